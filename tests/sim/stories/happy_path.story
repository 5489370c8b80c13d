# SPDX-License-Identifier: Apache-2.0
# A job of two variants on the one phone: both runs under one lease, then the phone is cleaned.
devices 1
until ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
submit variants=2
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
    10.670 run 1: collecting -> completed
    10.670 run 2: queued -> assigned
    10.670 run 2: assigned -> staging
    10.670   discard d1 a1 (1)
    10.670   stage d1 a2 epoch 1
    10.790   start d1 a2 epoch 1
    10.900 run 2: staging -> running
    20.900 run 2: running -> collecting
    21.000   judge d1 a2
    21.110 run 2: collecting -> completed
    21.110 job 1: running -> completed
    21.110   exit code 0, verdict pass
    21.110 lease 1: active -> releasing
    21.110 device 1: busy -> cleaning
    21.110   discard d1 a2 (2)
    21.110   clean d1 epoch 1
    21.230 device 1: cleaning -> cooling
    21.230 lease 1: releasing -> released
    21.230 device 1: cooling -> ready
