# SPDX-License-Identifier: Apache-2.0
# A phone is unplugged while it runs and never comes back: the run is tried on another.
devices 2
until device 2: preparing -> ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010 device 2: absent -> detected
     0.010 device 2: detected -> identifying
     0.010   identify d1
     0.010   identify d2
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.130 device 2: identifying -> preparing
     0.130   prepare d2
     0.230 device 1: preparing -> ready
     0.240 device 2: preparing -> ready
submit
until staging -> running
     0.250 job 1: new -> queued
     0.250 lease 1: waiting -> granted
     0.250 device 1: ready -> leased
     0.250 run 1: queued -> assigned
     0.250 run 1: assigned -> staging
     0.250 job 1: queued -> running
     0.250 lease 1: granted -> active
     0.250 device 1: leased -> busy
     0.250   stage d1 a1 epoch 1
     0.250 answer #1: submitted
     0.360   start d1 a1 epoch 1
     0.470 run 1: staging -> running
unplug 0
until out of reach for 300 s
     0.480 run 1: running -> reattaching  # unplugged
   300.480 run 1: reattaching -> queued  # its agent was out of reach for 300 s
   300.480 lease 1: active -> releasing  # its agent was out of reach for 300 s
   300.480 lease 2: waiting -> granted
   300.480 device 2: ready -> leased
   300.480 run 1: queued -> assigned
   300.480 run 1: assigned -> staging
   300.480 lease 2: granted -> active
   300.480 device 2: leased -> busy
   300.480 device 1: busy -> absent  # its agent was out of reach for 300 s
   300.480   stage d2 a2 epoch 1
until collecting -> completed
   300.590   start d2 a2 epoch 1
   300.700 run 1: staging -> running
   310.700 run 1: running -> collecting
   310.800   judge d2 a2
   310.910 run 1: collecting -> completed
   310.910 job 1: running -> completed
   310.910   exit code 0, verdict pass
   310.910 lease 2: active -> releasing
   310.910 device 2: busy -> cleaning
   310.910   discard d2 a2 (2)
   310.910   clean d2 epoch 1
