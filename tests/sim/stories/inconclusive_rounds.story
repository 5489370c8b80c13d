# SPDX-License-Identifier: Apache-2.0
# The gates cannot tell: the run is repeated, up to its limit, under the same lease and without cleaning.
devices 1
until ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
next judge inconclusive
next judge inconclusive
next judge inconclusive
submit rounds=1/3
end
     0.240 job 1: new -> queued
     0.240 lease 1: waiting -> granted
     0.240 device 1: ready -> leased
     0.240 run 1: queued -> assigned
     0.240 run 1: assigned -> staging
     0.240 job 1: queued -> running
     0.240 lease 1: granted -> active
     0.240 device 1: leased -> busy
     0.240   stage d1 a1 epoch 1
     0.240 answer #1: submitted
     0.350   start d1 a1 epoch 1
     0.460 run 1: staging -> running
    10.460 run 1: running -> collecting
    10.560   judge d1 a1
    10.670 run 1: collecting -> assigned
    10.670 run 1: assigned -> staging
    10.670   discard d1 a1 (1)
    10.670   stage d1 a2 epoch 1
    10.790   start d1 a2 epoch 1
    10.900 run 1: staging -> running
    20.900 run 1: running -> collecting
    21.000   judge d1 a2
    21.110 run 1: collecting -> assigned
    21.110 run 1: assigned -> staging
    21.110   discard d1 a2 (2)
    21.110   stage d1 a3 epoch 1
    21.230   start d1 a3 epoch 1
    21.340 run 1: staging -> running
    31.340 run 1: running -> collecting
    31.440   judge d1 a3
    31.550 run 1: collecting -> completed
    31.550 job 1: running -> completed
    31.550   exit code 15, verdict inconclusive
    31.550 lease 1: active -> releasing
    31.550 device 1: busy -> cleaning
    31.550   discard d1 a3 (3)
    31.550   clean d1 epoch 1
    31.670 device 1: cleaning -> cooling
    31.670 lease 1: releasing -> released
    31.670 device 1: cooling -> ready
