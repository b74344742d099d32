/* The sink that writes everything into a file, one JSON object a line.
 *
 * Shapes  {"type":"/openrtb2/auction","Status":200,"Errors":[…],"Request":{…},"Response":{…},"Account":{…},
 *         "StartTime":"…"}; likewise /openrtb2/amp (AuctionResponse, AmpTargetingValues, Origin), /openrtb2/video,
 *         /cookie_sync, /set_uid and /event. Requests lose what the account's activities withhold from "filelogger", and
 *         of ext.prebid.analytics all but that member.
 * Source  Prebid Server's file logger.
 */
#ifndef PBS_ANALYTICS_FILE_SINK_H
#define PBS_ANALYTICS_FILE_SINK_H

#include "pbs/analytics/file_log.h"
#include "pbs/analytics/sink.h"

struct analytics_sink *file_sink_new(struct file_log *log, struct loop *loop, struct metrics *metrics);

#endif
