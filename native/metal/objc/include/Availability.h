/* SPDX-License-Identifier: MIT */
/* Since which release of macOS and iOS a name is there, and which releases the stub headers speak of. */
#pragma once

/* The newest releases that the stubs declare names of: what an SDK's own version is. Upstream asks for them. */
#define __MAC_OS_X_VERSION_MAX_ALLOWED 150000
#define __IPHONE_OS_VERSION_MAX_ALLOWED 180000

/* A name older than macOS 10.13 and iOS 11, the oldest releases with anything that upstream needs, carries no mark. */
#define STUB_SINCE(mac, phone) \
    __attribute__((availability(macos, introduced = mac))) __attribute__((availability(ios, introduced = phone)))
#define STUB_MAC_ONLY(mac) \
    __attribute__((availability(macos, introduced = mac))) __attribute__((availability(ios, unavailable)))
