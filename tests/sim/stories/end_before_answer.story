# SPDX-License-Identifier: Apache-2.0
# The END of an attempt comes while the answer to its START is still awaited.
devices 1
until ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
next start late late=20 runs=5
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
     5.460 run 1: staging -> running  # its agent has ended it
     5.460 run 1: running -> collecting
     5.560   judge d1 a1
     5.670 run 1: collecting -> completed
     5.670 job 1: running -> completed
     5.670   exit code 0, verdict pass
     5.670 lease 1: active -> releasing
     5.670 device 1: busy -> cleaning
     5.670   discard d1 a1 (1)
     5.670   clean d1 epoch 1
     5.790 device 1: cleaning -> cooling
     5.790 lease 1: releasing -> released
     5.790 device 1: cooling -> ready
