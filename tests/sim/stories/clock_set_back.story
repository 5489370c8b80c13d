# SPDX-License-Identifier: Apache-2.0
# The wall clock is set back by a day during a lease, over a restart: the lease lasts no longer than it can.
devices 1
until ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
next start works runs=20
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
clock -86400
wait 2
crash between
     2.460 the controller crashes
end
     2.470 device 1: busy -> absent  # the controller was restarted
     2.470 run 1: running -> reattaching  # the controller was restarted
     2.470 device 2: absent -> detected
     2.470 device 2: detected -> identifying
     2.470   identify d2
     2.580 device 2: identifying -> absent  # it is known
     2.580 device 1: absent -> detected
     2.580 device 1: detected -> identifying
     2.580 device 1: identifying -> preparing
     2.580   prepare d1 epoch 1
     2.690 device 1: preparing -> busy
     2.690 run 1: reattaching -> running  # its agent answers again
    20.460 run 1: running -> collecting
    20.560   judge d1 a1
    20.670 run 1: collecting -> completed
    20.670 job 1: running -> completed
    20.670   exit code 0, verdict pass
    20.670 lease 1: active -> releasing
    20.670 device 1: busy -> cleaning
    20.670   discard d1 a1 (1)
    20.670   clean d1 epoch 1
    20.790 device 1: cleaning -> cooling
    20.790 lease 1: releasing -> released
    20.790 device 1: cooling -> ready
