# SPDX-License-Identifier: Apache-2.0
# The job's phones are all gone: a job for all devices ends (20) once they have been away too long.
devices 2
until device 2: preparing -> ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010 device 2: absent -> detected
     0.010 device 2: detected -> identifying
     0.010   identify d1
     0.010   identify d2
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.130 device 2: identifying -> preparing
     0.130   prepare d2
     0.230 device 1: preparing -> ready
     0.240 device 2: preparing -> ready
submit count=all retries=1
until run 2: staging -> running
     0.250 job 1: new -> queued
     0.250 lease 1: waiting -> granted
     0.250 device 1: ready -> leased
     0.250 lease 2: waiting -> granted
     0.250 device 2: ready -> leased
     0.250 run 2: queued -> assigned
     0.250 run 2: assigned -> staging
     0.250 job 1: queued -> running
     0.250 lease 2: granted -> active
     0.250 device 2: leased -> busy
     0.250 run 1: queued -> assigned
     0.250 run 1: assigned -> staging
     0.250 lease 1: granted -> active
     0.250 device 1: leased -> busy
     0.250   stage d2 a1 epoch 1
     0.250   stage d1 a2 epoch 1
     0.250 answer #1: submitted
     0.360   start d2 a1 epoch 1
     0.370   start d1 a2 epoch 1
     0.470 run 2: staging -> running
unplug 0
unplug 1
until exit code
     0.480 run 1: staging -> running
     0.490 run 1: running -> reattaching  # unplugged
     0.490 run 2: running -> reattaching  # unplugged
   300.480 run 1: reattaching -> queued  # its agent was out of reach for 300 s
   300.480 lease 1: active -> releasing  # its agent was out of reach for 300 s
   300.480 device 1: busy -> absent  # its agent was out of reach for 300 s
   300.480 run 2: reattaching -> queued  # its agent was out of reach for 300 s
   300.480 lease 2: active -> releasing  # its agent was out of reach for 300 s
   300.480 device 2: busy -> absent  # its agent was out of reach for 300 s
   660.480 run 1: queued -> errored  # phone-0 (d1) has been absent for more than 300 s
   660.480 run 2: queued -> errored  # phone-1 (d2) has been absent for more than 300 s
   660.480 job 1: running -> errored
   660.480   exit code 20, verdict none
