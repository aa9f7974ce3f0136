/* From status codes to errno. Private to libc. */
#pragma once
#include <errno.h>
#include <swos/abi.h>

/* errno value of a status. */
int status_errno(status_t status);

/* 0 for SW_OK; else sets errno and returns -1. */
int status_return(status_t status);

/* The same where QUOTA means that no descriptor is free. */
int status_return_fd(status_t status);
