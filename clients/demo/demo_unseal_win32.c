/*
 * The lane of a broken demo is real, and everybody may open it: the broker's own handles are in this process, and may
 * change the lists of what they stand for. Those lists are taken away once the lanes are there.
 *
 * Nothing in the broker or in the library knows of this, so there is nothing to switch off in them.
 */
#include "clients/demo/demo_handle_win32.h"
#include "clients/demo/demo_text_win32.h"
#include "clients/demo/demo_unseal.h"

#include <stdio.h>

bool
demo_unseal(enum demo_unseal_moment moment)
{
        struct demo_handle found = { .handle = NULL };
        SECURITY_DESCRIPTOR everybody;
        unsigned taken = 0;

        if (moment != DEMO_BEFORE_ATTACK)
                return true;
        InitializeSecurityDescriptor(&everybody, SECURITY_DESCRIPTOR_REVISION);
        SetSecurityDescriptorDacl(&everybody, TRUE, NULL, FALSE);
        while (demo_handle_next(&found))
                if (found.kind == DEMO_HANDLE_SECTION && (found.rights & WRITE_DAC) != 0) {
                        if (!SetKernelObjectSecurity(found.handle, DACL_SECURITY_INFORMATION, &everybody))
                                return demo_text_failed("the list of a lane cannot be taken away");
                        taken++;
                }
        if (taken == 0)
                fprintf(stderr, "weir demo: no handle of the broker's was found to take a list away with\n");
        return taken > 0;
}
