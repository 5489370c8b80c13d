# SPDX-License-Identifier: Apache-2.0
# The controller crashes before a job is stored: nobody was told that it was accepted, and it is gone.
devices 1
until ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
submit
crash before
     0.230 the controller crashes before a commit
wait 5
     0.240 device 1: ready -> absent  # the controller was restarted
     0.240 device 2: absent -> detected
     0.240 device 2: detected -> identifying
     0.240   identify d2
     0.350 device 2: identifying -> absent  # it is known
     0.350 device 1: absent -> detected
     0.350 device 1: detected -> identifying
     0.350 device 1: identifying -> preparing
     0.350   prepare d1
     0.460 device 1: preparing -> ready
submit
end
     5.240 job 1: new -> queued
     5.240 lease 1: waiting -> granted
     5.240 device 1: ready -> leased
     5.240 run 1: queued -> assigned
     5.240 run 1: assigned -> staging
     5.240 job 1: queued -> running
     5.240 lease 1: granted -> active
     5.240 device 1: leased -> busy
     5.240   stage d1 a1 epoch 1
     5.240 answer #2: submitted
     5.350   start d1 a1 epoch 1
     5.460 run 1: staging -> running
    15.460 run 1: running -> collecting
    15.560   judge d1 a1
    15.670 run 1: collecting -> completed
    15.670 job 1: running -> completed
    15.670   exit code 0, verdict pass
    15.670 lease 1: active -> releasing
    15.670 device 1: busy -> cleaning
    15.670   discard d1 a1 (1)
    15.670   clean d1 epoch 1
    15.790 device 1: cleaning -> cooling
    15.790 lease 1: releasing -> released
    15.790 device 1: cooling -> ready
