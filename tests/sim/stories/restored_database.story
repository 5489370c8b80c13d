# SPDX-License-Identifier: Apache-2.0
# A phone has served under newer epochs than the database knows, which was restored: the farm goes on above them.
devices 1
until ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
next start works runs=60
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
epoch 0 41
wait 1
     0.470 run 1: running -> reattaching  # unplugged
plug 0
until served a newer lease
     1.470 device 2: absent -> detected
     1.470 device 2: detected -> identifying
     1.470   identify d2
     1.580 device 2: identifying -> absent  # it is known
     1.580 device 1: busy -> identifying
     1.580 device 1: identifying -> preparing
     1.580   prepare d1 epoch 1
     1.690 device 1: preparing -> busy
     1.690 run 1: reattaching -> queued  # the device has served a newer lease
     1.690 lease 1: active -> releasing  # the device has served a newer lease
     1.690 device 1: busy -> cleaning
     1.690   collect d1 epoch 1 (1)
     1.690   stop d1 a1 (1)
end
     1.800   clean d1 epoch 1
     1.900   discard d1 a1 (1)
     1.910 device 1: cleaning -> cooling
     1.910 lease 1: releasing -> revoked
     1.910 device 1: cooling -> ready
     1.910 lease 2: waiting -> granted
     1.910 device 1: ready -> leased
     1.910 run 1: queued -> assigned
     1.910 run 1: assigned -> staging
     1.910 lease 2: granted -> active
     1.910 device 1: leased -> busy
     1.910   stage d1 a2 epoch 42
     2.020   start d1 a2 epoch 42
     2.130 run 1: staging -> running
    12.130 run 1: running -> collecting
    12.230   judge d1 a2
    12.340 run 1: collecting -> completed
    12.340 job 1: running -> completed
    12.340   exit code 0, verdict pass
    12.340 lease 2: active -> releasing
    12.340 device 1: busy -> cleaning
    12.340   discard d1 a2 (2)
    12.340   clean d1 epoch 42
    12.460 device 1: cleaning -> cooling
    12.460 lease 2: releasing -> released
    12.460 device 1: cooling -> ready
