# SPDX-License-Identifier: Apache-2.0
# An operator quarantines a reserved phone: the reservation is revoked, the phone cleaned and shut.
devices 1
until ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
reserve 600
until leased -> busy
     0.240 lease 1: waiting -> granted
     0.240 device 1: ready -> leased
     0.240   expose d1 epoch 1
     0.240 answer #1: granted
     0.350 lease 1: granted -> active
     0.350 device 1: leased -> busy
operate quarantine 1
until quarantined
     0.360 lease 1: active -> releasing  # an operator wants it
     0.360   unexpose d1 epoch 1
     0.360 answer #2: quarantined
wait 2
     0.470 device 1: busy -> cleaning
     0.470   clean d1 epoch 1
     0.580 device 1: cleaning -> quarantined  # an operator wants it
     0.580 lease 1: releasing -> revoked
operate release 1
until ready
     2.370 device 1: quarantined -> identifying
     2.370   identify d1
     2.370 answer #3: released from quarantine
     2.480 device 1: identifying -> preparing
     2.480   prepare d1
     2.590 device 1: preparing -> ready
