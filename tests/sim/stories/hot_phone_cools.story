# SPDX-License-Identifier: Apache-2.0
# A phone is hot when it is clean: it gets nothing until it has cooled down.
devices 1
until ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
temperature 0 30
wait 1
next clean hot
submit
submit
until cleaning -> cooling
     1.240 job 1: new -> queued
     1.240 lease 1: waiting -> granted
     1.240 device 1: ready -> leased
     1.240 run 1: queued -> assigned
     1.240 run 1: assigned -> staging
     1.240 job 1: queued -> running
     1.240 lease 1: granted -> active
     1.240 device 1: leased -> busy
     1.240 job 2: new -> queued
     1.240   stage d1 a1 epoch 1
     1.240 answer #1: submitted
     1.240 answer #2: submitted
     1.350   start d1 a1 epoch 1
     1.460 run 1: staging -> running
    11.460 run 1: running -> collecting
    11.560   judge d1 a1
    11.670 run 1: collecting -> completed
    11.670 job 1: running -> completed
    11.670   exit code 0, verdict pass
    11.670 lease 1: active -> releasing
    11.670 device 1: busy -> cleaning
    11.670   discard d1 a1 (1)
    11.670   clean d1 epoch 1
    11.790 device 1: cleaning -> cooling
    11.790 lease 1: releasing -> released
wait 20
temperature 0 50
wait 5
temperature 0 31
end
    36.800 device 1: cooling -> ready
    36.800 lease 2: waiting -> granted
    36.800 device 1: ready -> leased
    36.800 run 2: queued -> assigned
    36.800 run 2: assigned -> staging
    36.800 job 2: queued -> running
    36.800 lease 2: granted -> active
    36.800 device 1: leased -> busy
    36.800   stage d1 a2 epoch 2
    36.910   start d1 a2 epoch 2
    37.020 run 2: staging -> running
    47.020 run 2: running -> collecting
    47.120   judge d1 a2
    47.230 run 2: collecting -> completed
    47.230 job 2: running -> completed
    47.230   exit code 0, verdict pass
    47.230 lease 2: active -> releasing
    47.230 device 1: busy -> cleaning
    47.230   discard d1 a2 (2)
    47.230   clean d1 epoch 2
    47.350 device 1: cleaning -> cooling
    47.350 lease 2: releasing -> released
    47.350 device 1: cooling -> ready
