/* The themes, in the order in which they are tried. Their rows stand in the file of each. */
#include "clients/winaudit/audit.h"

const struct audit_theme *const audit_themes[] = {
        &audit_objects, &audit_pipes,    &audit_integrity, &audit_identity,  &audit_names,        &audit_container,
        &audit_inside,  &audit_endpoint, &audit_questions, &audit_agreement, &audit_session_zero, NULL,
};
