# SPDX-License-Identifier: Apache-2.0
# A reserved phone is handed to its engineer, the reservation is extended, and runs out.
devices 1
until ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
reserve 60
until leased -> busy
     0.240 lease 1: waiting -> granted
     0.240 device 1: ready -> leased
     0.240   expose d1 epoch 1
     0.240 answer #1: granted
     0.350 lease 1: granted -> active
     0.350 device 1: leased -> busy
wait 30
extend 1 20
wait 15
    30.360 answer #2: extended
until releasing -> expired
    50.360 lease 1: active -> releasing  # the lease ran out
    50.360   unexpose d1 epoch 1
    50.470 device 1: busy -> cleaning
    50.470   clean d1 epoch 1
    50.580 device 1: cleaning -> cooling
    50.580 lease 1: releasing -> expired
    50.580 device 1: cooling -> ready
