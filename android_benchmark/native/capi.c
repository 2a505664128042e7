#define _POSIX_C_SOURCE 200809L

#include "capi.h"

#include <dlfcn.h>
#include <string.h>

#include "options.h"

/* ISO C has no conversion from an object pointer to a function pointer; POSIX promises that the
 * bytes are the same. */
static bool take(void *handle, const char *name, void *function)
{
    void *symbol = dlsym(handle, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

bool capi_load(struct capi *api, const char *library)
{
    memset(api, 0, sizeof *api);
    api->handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!api->handle) {
        complain("the library cannot be loaded: %s.", dlerror());
        return false;
    }
#define TAKE_REQUIRED(result, name, arguments)                           \
    if (!take(api->handle, #name, &api->name)) {                         \
        complain("the library has no function %s: %s.", #name, library); \
        return false;                                                    \
    }
    CAPI_REQUIRED(TAKE_REQUIRED)
#define TAKE_OPTIONAL(result, name, arguments) (void)take(api->handle, #name, &api->name);
    CAPI_OPTIONAL(TAKE_OPTIONAL)
    return true;
}

bool capi_has_xnnpack(const struct capi *api)
{
    return api->TfLiteXNNPackDelegateOptionsDefault && api->TfLiteXNNPackDelegateCreate &&
           api->TfLiteXNNPackDelegateDelete;
}
