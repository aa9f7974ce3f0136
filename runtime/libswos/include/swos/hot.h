/* SW_HOT marks the functions that nearly every call and every open file passes through. The linker lays
 * them side by side in a program: each page of code is a miss of the TLB after a switch of address
 * space (docs/performance.md). A program may mark its own. */
#pragma once
#define SW_HOT __attribute__((hot))
