#include "src/process/adoption.h"

#include <span>
#include <utility>

namespace sipwsd::process {

Adoption::Adoption(shm::ConnectionTable& connections, WorkerSlot self, Closed closed)
    : connections_(connections), self_(self), closed_(std::move(closed)) {}

std::size_t Adoption::adopt(std::size_t budget) {
  std::size_t adopted = 0;
  shm::ConnectionRecord record;
  // One at a time: a batch would be out of the table already when the first of it kills us.
  while (adopted < budget && connections_.take_lost(self_, std::span{&record, 1}) == 1) {
    ++adopted;
    closed_(record);
  }
  return adopted;
}

}  // namespace sipwsd::process
