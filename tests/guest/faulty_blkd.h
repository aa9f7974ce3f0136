/* How the faulty layer in blkd is told to begin and to stop: operations the protocol `block` does not
 * have. */
#pragma once

#define FAULTS_ON 0xfffd
#define FAULTS_OFF 0xfffe
