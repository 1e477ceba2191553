#pragma once
// sipwsctl user add|passwd|del|list: the credentials file (auth_file) or the table `subscriber` (auth_db).

namespace sipwsd::ctl {

// argv[0] is `user`. 0: done; 1: refused (there is such a user, or none); 2: could not be done.
int change_users(int argc, char** argv);

}  // namespace sipwsd::ctl
