// Writes the tables of fact kinds, roles and capabilities as Markdown: the text of proto/tables.md.
// Called by lx_print_tables and by the test that compares the document. Owns nothing.
#pragma once

#include "common/base/buf.h"
#include "common/base/status.h"

// Appends the whole document to `out`.
enum status tables_write(struct buf *out) MUST_USE;
