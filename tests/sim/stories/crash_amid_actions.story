# SPDX-License-Identifier: Apache-2.0
# The controller crashes having given out STAGE: what was staged is staged again, and no retry is counted.
devices 1
until ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
submit retries=0
crash amid
     0.240 job 1: new -> queued
     0.240 lease 1: waiting -> granted
     0.240 device 1: ready -> leased
     0.240 run 1: queued -> assigned
     0.240 run 1: assigned -> staging
     0.240 job 1: queued -> running
     0.240 lease 1: granted -> active
     0.240 device 1: leased -> busy
     0.240   stage d1 a1 epoch 1
     0.240 the controller crashes, having done the half
end
     0.250 device 1: busy -> absent  # the controller was restarted
     0.250 run 1: staging -> queued  # the controller was restarted
     0.250 lease 1: active -> releasing  # the controller was restarted
     0.250 device 2: absent -> detected
     0.250 device 2: detected -> identifying
     0.250   identify d2
     0.360 device 2: identifying -> absent  # it is known
     0.360 device 1: absent -> detected
     0.360 device 1: detected -> identifying
     0.360 device 1: identifying -> preparing
     0.360   prepare d1 epoch 1
     0.470 device 1: preparing -> cleaning
     0.470   clean d1 epoch 1
     0.580 device 1: cleaning -> cooling
     0.580 lease 1: releasing -> released
     0.580 device 1: cooling -> ready
     0.580 lease 2: waiting -> granted
     0.580 device 1: ready -> leased
     0.580 run 1: queued -> assigned
     0.580 run 1: assigned -> staging
     0.580 lease 2: granted -> active
     0.580 device 1: leased -> busy
     0.580   stage d1 a2 epoch 2
     0.690   start d1 a2 epoch 2
     0.800 run 1: staging -> running
    10.800 run 1: running -> collecting
    10.900   judge d1 a2
    11.010 run 1: collecting -> completed
    11.010 job 1: running -> completed
    11.010   exit code 0, verdict pass
    11.010 lease 2: active -> releasing
    11.010 device 1: busy -> cleaning
    11.010   discard d1 a2 (2)
    11.010   clean d1 epoch 2
    11.130 device 1: cleaning -> cooling
    11.130 lease 2: releasing -> released
    11.130 device 1: cooling -> ready
