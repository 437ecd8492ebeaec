/* A plugin for a version of the interface that does not exist. */
#include <bantam/plugin.h>

const uint32_t bantam_plugin_api = BANTAM_PLUGIN_API + 1;

int bantam_plugin_install(const struct bantam_api* api, bantam_machine* machine, const char* arguments) {
    (void)api;
    (void)machine;
    (void)arguments;
    return 0;
}
