# SPDX-License-Identifier: Apache-2.0
# A phone is unplugged while it runs and comes back: the run goes on, and counts once.
devices 1
until ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
submit
until staging -> running
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
unplug 0
wait 5
     0.470 run 1: running -> reattaching  # unplugged
plug 0
until its agent answers again
     5.470 device 2: absent -> detected
     5.470 device 2: detected -> identifying
     5.470   identify d2
     5.580 device 2: identifying -> absent  # it is known
     5.580 device 1: busy -> identifying
     5.580 device 1: identifying -> preparing
     5.580   prepare d1 epoch 1
     5.690 device 1: preparing -> busy
     5.690 run 1: reattaching -> running  # its agent answers again
end
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
