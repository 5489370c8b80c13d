# SPDX-License-Identifier: Apache-2.0
# The answer to START comes after it was given up: it is ignored, for the new session has told.
devices 1
until ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
next start late late=60 runs=100
submit
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
    30.350   cancel start d1 a1
    45.350 run 1: staging -> reattaching  # no answer within its deadline
    45.350 device 1: busy -> recovering  # no answer within its deadline
    46.350 device 1: recovering -> identifying
    46.350   identify d1 epoch 1
    46.460 device 1: identifying -> preparing
    46.460   prepare d1 epoch 1
    46.570 device 1: preparing -> busy
    46.570 run 1: reattaching -> running  # its agent answers again
   100.460 run 1: running -> collecting
   100.560   judge d1 a1
   100.670 run 1: collecting -> completed
   100.670 job 1: running -> completed
   100.670   exit code 0, verdict pass
   100.670 lease 1: active -> releasing
   100.670 device 1: busy -> cleaning
   100.670   discard d1 a1 (1)
   100.670   clean d1 epoch 1
   100.790 device 1: cleaning -> cooling
   100.790 lease 1: releasing -> released
   100.790 device 1: cooling -> ready
