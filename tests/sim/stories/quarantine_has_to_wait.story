# SPDX-License-Identifier: Apache-2.0
# An operator quarantines a phone that may come right by itself: it is shut as soon as it is ready, and given to nobody.
devices 1
until preparing -> ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
may-pass 0
wait 1
     0.240 device 1: ready -> authorizing  # allow debugging on its screen
operate quarantine 1
submit
wait 1
     1.240 job 1: new -> queued
     1.240 answer #1: quarantined
     1.240 answer #2: submitted
needs-nobody 0
wait 5
     2.240 device 1: authorizing -> identifying
     2.240   identify d1
     2.350 device 1: identifying -> preparing
     2.350   prepare d1
     2.460 device 1: preparing -> ready
     2.460 device 1: ready -> quarantined
