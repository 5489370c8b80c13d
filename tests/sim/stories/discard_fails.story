# SPDX-License-Identifier: Apache-2.0
# The discard of an attempt that nobody knows fails: it is tried again while the phone is idle.
devices 1
stray 0 4711
next discard fails
until ready
     0.010 device 1: absent -> detected
     0.010 device 1: detected -> identifying
     0.010   identify d1
     0.120 device 1: identifying -> preparing
     0.120   prepare d1
     0.230 device 1: preparing -> ready
     0.230   discard d1 (4711)
wait 100
    60.340   discard d1 (4711)
