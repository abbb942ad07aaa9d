/* The public functions, role by role: each includes what it calls, so that a build without a role
 * has nothing of what that role alone needs.  Next: core.h.  In: the folders of each role; out: what
 * ppml.h declares. */
#ifndef PPMLI_API_API_H
#define PPMLI_API_API_H

#include "../base/base.h"

/* In C++ too the functions have the linkage that ppml.h declared them with. */
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function" /* as in ppml.h, of -DPPML_API=static */
#endif

#include "client.h"
#include "core.h"
#ifndef PPML_CLIENT_ONLY
#include "network.h"
#endif
#ifndef PPML_NO_SERVER
#include "server.h"
#endif
#ifndef PPML_NO_PLAN
#include "plan.h"
#endif
#ifndef PPML_NO_TRAIN
#include "train.h"
#endif
#ifndef PPML_NO_LEARN
#include "learn.h"
#endif

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#endif
