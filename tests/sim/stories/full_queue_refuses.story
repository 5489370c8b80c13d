# SPDX-License-Identifier: Apache-2.0
# Requests come until the queue is full: the next is refused, and what runs loses nothing.
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
flood
     0.460 flood: 49152 events wait, then: queue full
cancel 1
     0.460 refused: queue full
wait 1
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
