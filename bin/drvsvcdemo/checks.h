/* What drvsvcdemo checks of a device handle that stands for facts alone. Each check ends the
 * program when it does not hold. */
#pragma once
#include <swos/abi.h>

/* Ends the program with "drvsvc: FAILED: ..." unless the call returned what it should. */
void expect(status_t got, status_t wanted, const char *what);
void require(int holds, const char *what);

/* Registers, interrupt and DMA are refused, each by the kernel for want of the right. */
void authority_is_withheld(handle_t device);

/* The handle may tell facts and be passed on; a copy cannot be made, more rights cannot be had. */
void rights_are_metadata_only(handle_t device);
