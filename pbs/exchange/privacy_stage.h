/* The part of the PRIVACY stage that validation needs before: what the GPP string says. */
#ifndef PBS_EXCHANGE_PRIVACY_STAGE_H
#define PBS_EXCHANGE_PRIVACY_STAGE_H

struct auction;
struct validate_rules;

/* Reads regs.gpp, once for the whole auction, and gives validation its answers. */
void privacy_stage_read(struct auction *a, struct validate_rules *rules);

#endif
