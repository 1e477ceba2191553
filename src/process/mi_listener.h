#pragma once
// The management process: reads commands from the FIFO, looks into shared memory, asks workers by ticket what only they
// know, and answers. src/mi knows the commands and the protocol; here is the process around it.

namespace sipwsd::process {

struct Inherited;
int run_mi_listener(Inherited& inherited);

}  // namespace sipwsd::process
