/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the framing of packets (link_usb.c) needs of USB, and no more: bulk transfers on one claimed
 * interface. usb_pipe.c is this over libusb; the unit tests have one that plays the rules of USB
 * packets without a bus:
 *	- an IN transfer ends when it is full or with a packet shorter than mps; a packet that does not
 *	  fit is an overflow, after which nothing can be believed;
 *	- an OUT transfer whose length is a multiple of mps does not end for the device unless an empty
 *	  packet follows it (zlp): without, it runs into the next one.
 *
 * Loop thread. Transfers of one direction complete in the order in which they were submitted, each
 * exactly once and never inside a call on the pipe. A buffer belongs to the pipe until then.
 */
#ifndef FRAMEFARM_DRIVERS_ADB_USB_PIPE_H
#define FRAMEFARM_DRIVERS_ADB_USB_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USB_PIPE_IN  2 /* transfers in flight, in each direction */
#define USB_PIPE_OUT 4

/* How a transfer ended. */
enum usb_end {
	USB_END_DONE,
	USB_END_CANCELLED,
	USB_END_STALLED,  /* the endpoint is halted */
	USB_END_OVERFLOW, /* the device sent more than there was room for */
	USB_END_FAILED,   /* a broken cable, a controller's error */
	USB_END_GONE,
};

struct usb_pipe;

struct usb_pipe_events {
	void (*in)(void *arg, enum usb_end end, size_t n);
	void (*out)(void *arg, enum usb_end end, size_t n);
	/* The device left the bus. Transfers still complete. */
	void (*gone)(void *arg);
	/* Behind close(): every buffer has been given back, nothing comes any more, the pipe is
	 * freed when this returns. */
	void (*closed)(void *arg);
};

struct usb_pipe_ops {
	/* 0, ERR_NOMEM (the kernel has no memory for USB now: all devices share 16 MiB unless
	 * usbcore.usbfs_memory_mb says otherwise), ERR_GONE, ERR_IO. At most USB_PIPE_IN and
	 * USB_PIPE_OUT at a time. */
	int (*submit_in)(struct usb_pipe *p, uint8_t *buf, size_t len);
	int (*submit_out)(struct usb_pipe *p, const uint8_t *buf, size_t len, bool zlp);
	/* Asks for the end of everything in flight; all of it still completes. */
	void (*cancel)(struct usb_pipe *p);
	/* With nothing in flight; done(arg, 0 or a code) comes later, once, or never behind close().
	 * Both block and are run elsewhere. ERR_FULL: not now, and done() does not come. */
	int (*clear_halt)(struct usb_pipe *p, void (*done)(void *arg, int code), void *arg);
	int (*reset)(struct usb_pipe *p, void (*done)(void *arg, int code), void *arg);
	/* close() follows soon: for everybody else the pipe is on its way out already. Transfers
	 * complete as before, and more of them may be submitted. */
	void (*leave)(struct usb_pipe *p);
	/* The end: cancels, and calls closed() when all is given back. */
	void (*close)(struct usb_pipe *p);
};

struct usb_pipe {
	const struct usb_pipe_ops *ops;
	const struct usb_pipe_events *events; /* set by its user at once */
	void *arg;
	uint16_t mps_in, mps_out; /* bytes of a full packet: 64, 512 or 1024 */
	char path[32];            /* "1-4.2" */
};

#endif
