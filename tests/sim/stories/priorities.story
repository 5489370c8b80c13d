# SPDX-License-Identifier: Apache-2.0
# Two jobs wait for one phone: the more important one gets it, though it came later.
devices 1
until ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
submit
submit priority=-1
submit priority=2
end
     0.240 job 1: new -> queued
     0.240 lease 1: waiting -> granted
     0.240 device 1: ready -> leased
     0.240 run 1: queued -> assigned
     0.240 run 1: assigned -> staging
     0.240 job 1: queued -> running
     0.240 lease 1: granted -> active
     0.240 device 1: leased -> busy
     0.240 job 2: new -> queued
     0.240 job 3: new -> queued
     0.240   stage d1 a1 epoch 1
     0.240 answer #1: submitted
     0.240 answer #2: submitted
     0.240 answer #3: submitted
     0.350   start d1 a1 epoch 1
     0.460 run 1: staging -> running
    10.460 run 1: running -> collecting
    10.560   judge d1 a1
    10.670 run 1: collecting -> completed
    10.670 job 1: running -> completed
    10.670   exit code 0, verdict pass
    10.670 lease 1: active -> releasing
    10.670 device 1: busy -> cleaning
    10.670   discard d1 a1 (1)
    10.670   clean d1 epoch 1
    10.790 device 1: cleaning -> cooling
    10.790 lease 1: releasing -> released
    10.790 device 1: cooling -> ready
    10.790 lease 2: waiting -> granted
    10.790 device 1: ready -> leased
    10.790 run 3: queued -> assigned
    10.790 run 3: assigned -> staging
    10.790 job 3: queued -> running
    10.790 lease 2: granted -> active
    10.790 device 1: leased -> busy
    10.790   stage d1 a2 epoch 2
    10.900   start d1 a2 epoch 2
    11.010 run 3: staging -> running
    21.010 run 3: running -> collecting
    21.110   judge d1 a2
    21.220 run 3: collecting -> completed
    21.220 job 3: running -> completed
    21.220   exit code 0, verdict pass
    21.220 lease 2: active -> releasing
    21.220 device 1: busy -> cleaning
    21.220   discard d1 a2 (2)
    21.220   clean d1 epoch 2
    21.340 device 1: cleaning -> cooling
    21.340 lease 2: releasing -> released
    21.340 device 1: cooling -> ready
    21.340 lease 3: waiting -> granted
    21.340 device 1: ready -> leased
    21.340 run 2: queued -> assigned
    21.340 run 2: assigned -> staging
    21.340 job 2: queued -> running
    21.340 lease 3: granted -> active
    21.340 device 1: leased -> busy
    21.340   stage d1 a3 epoch 3
    21.450   start d1 a3 epoch 3
    21.560 run 2: staging -> running
    31.560 run 2: running -> collecting
    31.660   judge d1 a3
    31.770 run 2: collecting -> completed
    31.770 job 2: running -> completed
    31.770   exit code 0, verdict pass
    31.770 lease 3: active -> releasing
    31.770 device 1: busy -> cleaning
    31.770   discard d1 a3 (3)
    31.770   clean d1 epoch 3
    31.890 device 1: cleaning -> cooling
    31.890 lease 3: releasing -> released
    31.890 device 1: cooling -> ready
