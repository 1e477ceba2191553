#include "tests/conformance/sip_row.h"
namespace sipwsd::test::conformance { void add_rfc3261_uri_rows(SipRows&) {} }
