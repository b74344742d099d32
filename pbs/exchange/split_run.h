/* What one bidder gets of the request: the imps that name it, with its parameters in imp.ext.bidder. */
#ifndef PBS_EXCHANGE_SPLIT_RUN_H
#define PBS_EXCHANGE_SPLIT_RUN_H

struct auction;
struct bidder_run;

void split_run(struct auction *a, struct bidder_run *run);

#endif
