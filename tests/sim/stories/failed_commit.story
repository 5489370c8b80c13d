# SPDX-License-Identifier: Apache-2.0
# The disk is full for a while: requests are refused, nothing is done that is not stored, and then all of it is.
devices 1
until ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
submit
store full
wait 3
submit
     3.230 refused: input/output error
cancel 1
     3.230 refused: input/output error
wait 2
store works
wait 2
     5.290 job 1: new -> queued
     5.290 lease 1: waiting -> granted
     5.290 device 1: ready -> leased
     5.290 run 1: queued -> assigned
     5.290 run 1: assigned -> staging
     5.290 job 1: queued -> running
     5.290 lease 1: granted -> active
     5.290 device 1: leased -> busy
     5.290   stage d1 a1 epoch 1
     5.290 answer #1: submitted
     5.400   start d1 a1 epoch 1
     5.510 run 1: staging -> running
submit
end
     7.240 job 2: new -> queued
     7.240 answer #4: submitted
    15.510 run 1: running -> collecting
    15.610   judge d1 a1
    15.720 run 1: collecting -> completed
    15.720 job 1: running -> completed
    15.720   exit code 0, verdict pass
    15.720 lease 1: active -> releasing
    15.720 device 1: busy -> cleaning
    15.720   discard d1 a1 (1)
    15.720   clean d1 epoch 1
    15.840 device 1: cleaning -> cooling
    15.840 lease 1: releasing -> released
    15.840 device 1: cooling -> ready
    15.840 lease 2: waiting -> granted
    15.840 device 1: ready -> leased
    15.840 run 2: queued -> assigned
    15.840 run 2: assigned -> staging
    15.840 job 2: queued -> running
    15.840 lease 2: granted -> active
    15.840 device 1: leased -> busy
    15.840   stage d1 a2 epoch 2
    15.950   start d1 a2 epoch 2
    16.060 run 2: staging -> running
    26.060 run 2: running -> collecting
    26.160   judge d1 a2
    26.270 run 2: collecting -> completed
    26.270 job 2: running -> completed
    26.270   exit code 0, verdict pass
    26.270 lease 2: active -> releasing
    26.270 device 1: busy -> cleaning
    26.270   discard d1 a2 (2)
    26.270   clean d1 epoch 2
    26.390 device 1: cleaning -> cooling
    26.390 lease 2: releasing -> released
    26.390 device 1: cooling -> ready
