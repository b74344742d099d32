/* The tables of OpenRTB 2.6, one row per member: key, the reference's name, kind, when it is written. */
#include "pbs/openrtb/model.h"

#include "common/mem.h"

#define ONE(key, label, kind, mark) TYPED_FIELD(key, label, TYPED_##kind, TYPED_##mark)
#define LIST(key, label_, kind_, mark_)                                                                      \
	{                                                                                                    \
		.name = (key), .label = (label_), .len = sizeof(key) - 1, .kind = TYPED_##kind_,             \
		.mark = TYPED_##mark_, .list = true                                                          \
	}
#define OBJECT(key, label_, of, mark_)                                                                       \
	{                                                                                                    \
		.name = (key), .label = (label_), .type = &of##_type, .len = sizeof(key) - 1,                \
		.kind = TYPED_OBJECT, .mark = TYPED_##mark_                                                  \
	}
#define OBJECTS(key, label_, of, mark_)                                                                      \
	{                                                                                                    \
		.name = (key), .label = (label_), .type = &of##_type, .len = sizeof(key) - 1,                \
		.kind = TYPED_OBJECT, .mark = TYPED_##mark_, .list = true                                    \
	}
#define TYPE(name, rows)                                                                                     \
	{                                                                                                    \
		.owner = "openrtb2." name, .fields = (rows), .n_fields = ARRAY_LEN(rows)                     \
	}

/* clang-format off */
static const struct typed_struct app_type;
static const struct typed_struct audio_type;
static const struct typed_struct banner_type;
static const struct typed_struct bid_type;
static const struct typed_struct bid_request_type;
static const struct typed_struct bid_response_type;
static const struct typed_struct brand_version_type;
static const struct typed_struct channel_type;
static const struct typed_struct content_type;
static const struct typed_struct dooh_type;
static const struct typed_struct data_type;
static const struct typed_struct deal_type;
static const struct typed_struct device_type;
static const struct typed_struct dur_floors_type;
static const struct typed_struct eid_type;
static const struct typed_struct format_type;
static const struct typed_struct geo_type;
static const struct typed_struct imp_type;
static const struct typed_struct metric_type;
static const struct typed_struct native_type;
static const struct typed_struct network_type;
static const struct typed_struct pmp_type;
static const struct typed_struct producer_type;
static const struct typed_struct publisher_type;
static const struct typed_struct qty_type;
static const struct typed_struct ref_settings_type;
static const struct typed_struct refresh_type;
static const struct typed_struct regs_type;
static const struct typed_struct seat_bid_type;
static const struct typed_struct segment_type;
static const struct typed_struct site_type;
static const struct typed_struct source_type;
static const struct typed_struct supply_chain_type;
static const struct typed_struct supply_chain_node_type;
static const struct typed_struct uid_type;
static const struct typed_struct user_type;
static const struct typed_struct user_agent_type;
static const struct typed_struct video_type;

static const struct typed_field app_fields[] = {
	ONE("id", "ID", STR, NONZERO), ONE("name", "Name", STR, NONZERO),
	ONE("bundle", "Bundle", STR, NONZERO), ONE("domain", "Domain", STR, NONZERO),
	ONE("storeurl", "StoreURL", STR, NONZERO), ONE("cattax", "CatTax", INT, NONZERO),
	LIST("cat", "Cat", STR, NONZERO), LIST("sectioncat", "SectionCat", STR, NONZERO),
	LIST("pagecat", "PageCat", STR, NONZERO), ONE("ver", "Ver", STR, NONZERO),
	ONE("privacypolicy", "PrivacyPolicy", INT, GIVEN), ONE("paid", "Paid", INT, GIVEN),
	OBJECT("publisher", "Publisher", publisher, GIVEN), OBJECT("content", "Content", content, GIVEN),
	ONE("keywords", "Keywords", STR, NONZERO), LIST("kwarray", "KwArray", STR, NONZERO),
	ONE("inventorypartnerdomain", "InventoryPartnerDomain", STR, NONZERO),
	ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field audio_fields[] = {
	LIST("mimes", "MIMEs", STR, ALWAYS), ONE("minduration", "MinDuration", INT, NONZERO),
	ONE("maxduration", "MaxDuration", INT, NONZERO), ONE("poddur", "PodDur", INT, NONZERO),
	LIST("protocols", "Protocols", INT, NONZERO), ONE("startdelay", "StartDelay", INT, GIVEN),
	LIST("rqddurs", "RqdDurs", INT, NONZERO), ONE("podid", "PodID", STR, NONZERO),
	ONE("podseq", "PodSeq", INT, NONZERO), ONE("sequence", "Sequence", INT, NONZERO),
	ONE("slotinpod", "SlotInPod", INT, NONZERO), ONE("mincpmpersec", "MinCPMPerSec", FLOAT, NONZERO),
	LIST("battr", "BAttr", INT, NONZERO), ONE("maxextended", "MaxExtended", INT, NONZERO),
	ONE("minbitrate", "MinBitrate", INT, NONZERO), ONE("maxbitrate", "MaxBitrate", INT, NONZERO),
	LIST("delivery", "Delivery", INT, NONZERO), OBJECTS("companionad", "CompanionAd", banner, NONZERO),
	LIST("api", "API", INT, NONZERO), LIST("companiontype", "CompanionType", INT, NONZERO),
	ONE("maxseq", "MaxSeq", INT, NONZERO), ONE("feed", "Feed", INT, NONZERO),
	ONE("stitched", "Stitched", INT, GIVEN), ONE("nvol", "NVol", INT, GIVEN),
	OBJECTS("durfloors", "DurFloors", dur_floors, NONZERO), ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field banner_fields[] = {
	OBJECTS("format", "Format", format, NONZERO), ONE("w", "W", INT, GIVEN), ONE("h", "H", INT, GIVEN),
	ONE("wmax", "WMax", INT, NONZERO), ONE("hmax", "HMax", INT, NONZERO),
	ONE("wmin", "WMin", INT, NONZERO), ONE("hmin", "HMin", INT, NONZERO),
	LIST("btype", "BType", INT, NONZERO), LIST("battr", "BAttr", INT, NONZERO),
	ONE("pos", "Pos", INT, GIVEN), LIST("mimes", "MIMEs", STR, NONZERO),
	ONE("topframe", "TopFrame", INT, NONZERO), LIST("expdir", "ExpDir", INT, NONZERO),
	LIST("api", "API", INT, NONZERO), ONE("id", "ID", STR, NONZERO), ONE("vcm", "VCm", INT, GIVEN),
	ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field bid_fields[] = {
	ONE("id", "ID", STR, ALWAYS), ONE("impid", "ImpID", STR, ALWAYS),
	ONE("price", "Price", FLOAT, ALWAYS), ONE("nurl", "NURL", STR, NONZERO),
	ONE("burl", "BURL", STR, NONZERO), ONE("lurl", "LURL", STR, NONZERO),
	ONE("adm", "AdM", STR, NONZERO), ONE("adid", "AdID", STR, NONZERO),
	LIST("adomain", "ADomain", STR, NONZERO), ONE("bundle", "Bundle", STR, NONZERO),
	ONE("iurl", "IURL", STR, NONZERO), ONE("cid", "CID", STR, NONZERO),
	ONE("crid", "CrID", STR, NONZERO), ONE("tactic", "Tactic", STR, NONZERO),
	ONE("cattax", "CatTax", INT, NONZERO), LIST("cat", "Cat", STR, NONZERO),
	LIST("attr", "Attr", INT, NONZERO), LIST("apis", "APIs", INT, NONZERO),
	ONE("api", "API", INT, NONZERO), ONE("protocol", "Protocol", INT, NONZERO),
	ONE("qagmediarating", "QAGMediaRating", INT, NONZERO), ONE("language", "Language", STR, NONZERO),
	ONE("langb", "LangB", STR, NONZERO), ONE("dealid", "DealID", STR, NONZERO),
	ONE("w", "W", INT, NONZERO), ONE("h", "H", INT, NONZERO), ONE("wratio", "WRatio", INT, NONZERO),
	ONE("hratio", "HRatio", INT, NONZERO), ONE("exp", "Exp", INT, NONZERO),
	ONE("dur", "Dur", INT, NONZERO), ONE("mtype", "MType", INT, NONZERO),
	ONE("slotinpod", "SlotInPod", INT, NONZERO), ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field bid_request_fields[] = {
	ONE("id", "ID", STR, ALWAYS), OBJECTS("imp", "Imp", imp, ALWAYS),
	OBJECT("site", "Site", site, GIVEN), OBJECT("app", "App", app, GIVEN),
	OBJECT("dooh", "DOOH", dooh, GIVEN), OBJECT("device", "Device", device, GIVEN),
	OBJECT("user", "User", user, GIVEN), ONE("test", "Test", INT, NONZERO),
	ONE("at", "AT", INT, NONZERO), ONE("tmax", "TMax", INT, NONZERO),
	LIST("wseat", "WSeat", STR, NONZERO), LIST("bseat", "BSeat", STR, NONZERO),
	ONE("allimps", "AllImps", INT, NONZERO), LIST("cur", "Cur", STR, NONZERO),
	LIST("wlang", "WLang", STR, NONZERO), LIST("wlangb", "WLangB", STR, NONZERO),
	LIST("acat", "ACat", STR, NONZERO), LIST("bcat", "BCat", STR, NONZERO),
	ONE("cattax", "CatTax", INT, NONZERO), LIST("badv", "BAdv", STR, NONZERO),
	LIST("bapp", "BApp", STR, NONZERO), OBJECT("source", "Source", source, GIVEN),
	OBJECT("regs", "Regs", regs, GIVEN), ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field bid_response_fields[] = {
	ONE("id", "ID", STR, ALWAYS), OBJECTS("seatbid", "SeatBid", seat_bid, NONZERO),
	ONE("bidid", "BidID", STR, NONZERO), ONE("cur", "Cur", STR, NONZERO),
	ONE("customdata", "CustomData", STR, NONZERO), ONE("nbr", "NBR", INT, GIVEN),
	ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field brand_version_fields[] = {
	ONE("brand", "Brand", STR, ALWAYS), LIST("version", "Version", STR, NONZERO),
	ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field channel_fields[] = {
	ONE("id", "ID", STR, NONZERO), ONE("name", "Name", STR, NONZERO),
	ONE("domain", "Domain", STR, NONZERO), ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field content_fields[] = {
	ONE("id", "ID", STR, NONZERO), ONE("episode", "Episode", INT, NONZERO),
	ONE("title", "Title", STR, NONZERO), ONE("series", "Series", STR, NONZERO),
	ONE("season", "Season", STR, NONZERO), ONE("artist", "Artist", STR, NONZERO),
	ONE("genre", "Genre", STR, NONZERO), ONE("album", "Album", STR, NONZERO),
	ONE("isrc", "ISRC", STR, NONZERO), OBJECT("producer", "Producer", producer, GIVEN),
	ONE("url", "URL", STR, NONZERO), ONE("cattax", "CatTax", INT, NONZERO),
	LIST("cat", "Cat", STR, NONZERO), ONE("prodq", "ProdQ", INT, GIVEN),
	ONE("videoquality", "VideoQuality", INT, GIVEN), ONE("context", "Context", INT, NONZERO),
	ONE("contentrating", "ContentRating", STR, NONZERO), ONE("userrating", "UserRating", STR, NONZERO),
	ONE("qagmediarating", "QAGMediaRating", INT, NONZERO), ONE("keywords", "Keywords", STR, NONZERO),
	LIST("kwarray", "KwArray", STR, NONZERO), ONE("livestream", "LiveStream", INT, GIVEN),
	ONE("sourcerelationship", "SourceRelationship", INT, GIVEN), ONE("len", "Len", INT, NONZERO),
	ONE("language", "Language", STR, NONZERO), ONE("langb", "LangB", STR, NONZERO),
	ONE("embeddable", "Embeddable", INT, GIVEN), OBJECTS("data", "Data", data, NONZERO),
	OBJECT("network", "Network", network, GIVEN), OBJECT("channel", "Channel", channel, GIVEN),
	ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field dooh_fields[] = {
	ONE("id", "ID", STR, NONZERO), ONE("name", "Name", STR, NONZERO),
	LIST("venuetype", "VenueType", STR, NONZERO), ONE("venuetypetax", "VenueTypeTax", INT, GIVEN),
	OBJECT("publisher", "Publisher", publisher, GIVEN), ONE("domain", "Domain", STR, NONZERO),
	ONE("keywords", "Keywords", STR, NONZERO), OBJECT("content", "Content", content, GIVEN),
	ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field data_fields[] = {
	ONE("id", "ID", STR, NONZERO), ONE("name", "Name", STR, NONZERO),
	OBJECTS("segment", "Segment", segment, NONZERO), ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field deal_fields[] = {
	ONE("id", "ID", STR, ALWAYS), ONE("bidfloor", "BidFloor", FLOAT, NONZERO),
	ONE("bidfloorcur", "BidFloorCur", STR, NONZERO), ONE("at", "AT", INT, NONZERO),
	LIST("wseat", "WSeat", STR, NONZERO), LIST("wadomain", "WADomain", STR, NONZERO),
	ONE("guar", "Guar", INT, NONZERO), ONE("mincpmpersec", "MinCPMPerSec", FLOAT, NONZERO),
	OBJECTS("durfloors", "DurFloors", dur_floors, NONZERO), ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field device_fields[] = {
	OBJECT("geo", "Geo", geo, GIVEN), ONE("dnt", "DNT", INT, GIVEN), ONE("lmt", "Lmt", INT, GIVEN),
	ONE("ua", "UA", STR, NONZERO), OBJECT("sua", "SUA", user_agent, GIVEN),
	ONE("ip", "IP", STR, NONZERO), ONE("ipv6", "IPv6", STR, NONZERO),
	ONE("devicetype", "DeviceType", INT, NONZERO), ONE("make", "Make", STR, NONZERO),
	ONE("model", "Model", STR, NONZERO), ONE("os", "OS", STR, NONZERO),
	ONE("osv", "OSV", STR, NONZERO), ONE("hwv", "HWV", STR, NONZERO), ONE("h", "H", INT, NONZERO),
	ONE("w", "W", INT, NONZERO), ONE("ppi", "PPI", INT, NONZERO),
	ONE("pxratio", "PxRatio", FLOAT, NONZERO), ONE("js", "JS", INT, GIVEN),
	ONE("geofetch", "GeoFetch", INT, GIVEN), ONE("flashver", "FlashVer", STR, NONZERO),
	ONE("language", "Language", STR, NONZERO), ONE("langb", "LangB", STR, NONZERO),
	ONE("carrier", "Carrier", STR, NONZERO), ONE("mccmnc", "MCCMNC", STR, NONZERO),
	ONE("connectiontype", "ConnectionType", INT, GIVEN), ONE("ifa", "IFA", STR, NONZERO),
	ONE("didsha1", "DIDSHA1", STR, NONZERO), ONE("didmd5", "DIDMD5", STR, NONZERO),
	ONE("dpidsha1", "DPIDSHA1", STR, NONZERO), ONE("dpidmd5", "DPIDMD5", STR, NONZERO),
	ONE("macsha1", "MACSHA1", STR, NONZERO), ONE("macmd5", "MACMD5", STR, NONZERO),
	ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field dur_floors_fields[] = {
	ONE("mindur", "MinDur", INT, NONZERO), ONE("maxdur", "MaxDur", INT, NONZERO),
	ONE("bidfloor", "BidFloor", FLOAT, NONZERO), ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field eid_fields[] = {
	ONE("inserter", "Inserter", STR, NONZERO), ONE("matcher", "Matcher", STR, NONZERO),
	ONE("mm", "MM", INT, NONZERO), ONE("source", "Source", STR, NONZERO),
	OBJECTS("uids", "UIDs", uid, NONZERO), ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field format_fields[] = {
	ONE("w", "W", INT, NONZERO), ONE("h", "H", INT, NONZERO), ONE("wratio", "WRatio", INT, NONZERO),
	ONE("hratio", "HRatio", INT, NONZERO), ONE("wmin", "WMin", INT, NONZERO),
	ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field geo_fields[] = {
	ONE("lat", "Lat", FLOAT, GIVEN), ONE("lon", "Lon", FLOAT, GIVEN),
	ONE("type", "Type", INT, NONZERO), ONE("accuracy", "Accuracy", INT, NONZERO),
	ONE("lastfix", "LastFix", INT, NONZERO), ONE("ipservice", "IPService", INT, NONZERO),
	ONE("country", "Country", STR, NONZERO), ONE("region", "Region", STR, NONZERO),
	ONE("regionfips104", "RegionFIPS104", STR, NONZERO), ONE("metro", "Metro", STR, NONZERO),
	ONE("city", "City", STR, NONZERO), ONE("zip", "ZIP", STR, NONZERO),
	ONE("utcoffset", "UTCOffset", INT, NONZERO), ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field imp_fields[] = {
	ONE("id", "ID", STR, ALWAYS), OBJECTS("metric", "Metric", metric, NONZERO),
	OBJECT("banner", "Banner", banner, GIVEN), OBJECT("video", "Video", video, GIVEN),
	OBJECT("audio", "Audio", audio, GIVEN), OBJECT("native", "Native", native, GIVEN),
	OBJECT("pmp", "PMP", pmp, GIVEN), ONE("displaymanager", "DisplayManager", STR, NONZERO),
	ONE("displaymanagerver", "DisplayManagerVer", STR, NONZERO), ONE("instl", "Instl", INT, NONZERO),
	ONE("tagid", "TagID", STR, NONZERO), ONE("bidfloor", "BidFloor", FLOAT, NONZERO),
	ONE("bidfloorcur", "BidFloorCur", STR, NONZERO), ONE("clickbrowser", "ClickBrowser", INT, GIVEN),
	ONE("secure", "Secure", INT, GIVEN), LIST("iframebuster", "IframeBuster", STR, NONZERO),
	ONE("rwdd", "Rwdd", INT, NONZERO), ONE("ssai", "SSAI", INT, NONZERO),
	ONE("exp", "Exp", INT, NONZERO), OBJECT("qty", "Qty", qty, GIVEN), ONE("dt", "DT", FLOAT, NONZERO),
	OBJECT("refresh", "Refresh", refresh, GIVEN), ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field metric_fields[] = {
	ONE("type", "Type", STR, ALWAYS), ONE("value", "Value", FLOAT, NONZERO),
	ONE("vendor", "Vendor", STR, NONZERO), ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field native_fields[] = {
	ONE("request", "Request", STR, ALWAYS), ONE("ver", "Ver", STR, NONZERO),
	LIST("api", "API", INT, NONZERO), LIST("battr", "BAttr", INT, NONZERO),
	ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field network_fields[] = {
	ONE("id", "ID", STR, NONZERO), ONE("name", "Name", STR, NONZERO),
	ONE("domain", "Domain", STR, NONZERO), ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field pmp_fields[] = {
	ONE("private_auction", "PrivateAuction", INT, NONZERO), OBJECTS("deals", "Deals", deal, NONZERO),
	ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field producer_fields[] = {
	ONE("id", "ID", STR, NONZERO), ONE("name", "Name", STR, NONZERO),
	ONE("cattax", "CatTax", INT, NONZERO), LIST("cat", "Cat", STR, NONZERO),
	ONE("domain", "Domain", STR, NONZERO), ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field publisher_fields[] = {
	ONE("id", "ID", STR, NONZERO), ONE("name", "Name", STR, NONZERO),
	ONE("cattax", "CatTax", INT, NONZERO), LIST("cat", "Cat", STR, NONZERO),
	ONE("domain", "Domain", STR, NONZERO), ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field qty_fields[] = {
	ONE("multiplier", "Multiplier", FLOAT, NONZERO), ONE("sourcetype", "SourceType", INT, NONZERO),
	ONE("vendor", "Vendor", STR, NONZERO), ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field ref_settings_fields[] = {
	ONE("reftype", "RefType", INT, NONZERO), ONE("minint", "MinInt", INT, NONZERO),
	ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field refresh_fields[] = {
	OBJECTS("refsettings", "RefSettings", ref_settings, NONZERO), ONE("count", "Count", INT, GIVEN),
	ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field regs_fields[] = {
	ONE("coppa", "COPPA", INT, NONZERO), ONE("gdpr", "GDPR", INT, GIVEN),
	ONE("us_privacy", "USPrivacy", STR, NONZERO), ONE("gpp", "GPP", STR, NONZERO),
	LIST("gpp_sid", "GPPSID", INT, NONZERO), ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field seat_bid_fields[] = {
	OBJECTS("bid", "Bid", bid, ALWAYS), ONE("seat", "Seat", STR, NONZERO),
	ONE("group", "Group", INT, NONZERO), ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field segment_fields[] = {
	ONE("id", "ID", STR, NONZERO), ONE("name", "Name", STR, NONZERO),
	ONE("value", "Value", STR, NONZERO), ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field site_fields[] = {
	ONE("id", "ID", STR, NONZERO), ONE("name", "Name", STR, NONZERO),
	ONE("domain", "Domain", STR, NONZERO), ONE("cattax", "CatTax", INT, NONZERO),
	LIST("cat", "Cat", STR, NONZERO), LIST("sectioncat", "SectionCat", STR, NONZERO),
	LIST("pagecat", "PageCat", STR, NONZERO), ONE("page", "Page", STR, NONZERO),
	ONE("ref", "Ref", STR, NONZERO), ONE("search", "Search", STR, NONZERO),
	ONE("mobile", "Mobile", INT, GIVEN), ONE("privacypolicy", "PrivacyPolicy", INT, GIVEN),
	OBJECT("publisher", "Publisher", publisher, GIVEN), OBJECT("content", "Content", content, GIVEN),
	ONE("keywords", "Keywords", STR, NONZERO), LIST("kwarray", "KwArray", STR, NONZERO),
	ONE("inventorypartnerdomain", "InventoryPartnerDomain", STR, NONZERO),
	ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field source_fields[] = {
	ONE("fd", "FD", INT, GIVEN), ONE("tid", "TID", STR, NONZERO),
	ONE("pchain", "PChain", STR, NONZERO), OBJECT("schain", "SChain", supply_chain, GIVEN),
	ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field supply_chain_fields[] = {
	ONE("complete", "Complete", INT, ALWAYS), OBJECTS("nodes", "Nodes", supply_chain_node, ALWAYS),
	ONE("ver", "Ver", STR, ALWAYS), ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field supply_chain_node_fields[] = {
	ONE("asi", "ASI", STR, ALWAYS), ONE("sid", "SID", STR, ALWAYS), ONE("rid", "RID", STR, NONZERO),
	ONE("name", "Name", STR, NONZERO), ONE("domain", "Domain", STR, NONZERO),
	ONE("hp", "HP", INT, GIVEN), ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field uid_fields[] = {
	ONE("id", "ID", STR, NONZERO), ONE("atype", "AType", INT, NONZERO),
	ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field user_fields[] = {
	ONE("id", "ID", STR, NONZERO), ONE("buyeruid", "BuyerUID", STR, NONZERO),
	ONE("yob", "Yob", INT, NONZERO), ONE("gender", "Gender", STR, NONZERO),
	ONE("keywords", "Keywords", STR, NONZERO), LIST("kwarray", "KwArray", STR, NONZERO),
	ONE("customdata", "CustomData", STR, NONZERO), OBJECT("geo", "Geo", geo, GIVEN),
	OBJECTS("data", "Data", data, NONZERO), ONE("consent", "Consent", STR, NONZERO),
	OBJECTS("eids", "EIDs", eid, NONZERO), ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field user_agent_fields[] = {
	OBJECTS("browsers", "Browsers", brand_version, NONZERO),
	OBJECT("platform", "Platform", brand_version, GIVEN), ONE("mobile", "Mobile", INT, GIVEN),
	ONE("architecture", "Architecture", STR, NONZERO), ONE("bitness", "Bitness", STR, NONZERO),
	ONE("model", "Model", STR, NONZERO), ONE("source", "Source", INT, NONZERO),
	ONE("ext", "Ext", RAW, NONZERO),
};
static const struct typed_field video_fields[] = {
	LIST("mimes", "MIMEs", STR, ALWAYS), ONE("minduration", "MinDuration", INT, NONZERO),
	ONE("maxduration", "MaxDuration", INT, NONZERO), ONE("startdelay", "StartDelay", INT, GIVEN),
	ONE("maxseq", "MaxSeq", INT, NONZERO), ONE("poddur", "PodDur", INT, NONZERO),
	LIST("protocols", "Protocols", INT, NONZERO), ONE("protocol", "Protocol", INT, NONZERO),
	ONE("w", "W", INT, GIVEN), ONE("h", "H", INT, GIVEN), ONE("podid", "PodID", STR, NONZERO),
	ONE("podseq", "PodSeq", INT, NONZERO), LIST("rqddurs", "RqdDurs", INT, NONZERO),
	ONE("placement", "Placement", INT, NONZERO), ONE("plcmt", "Plcmt", INT, NONZERO),
	ONE("linearity", "Linearity", INT, NONZERO), ONE("skip", "Skip", INT, GIVEN),
	ONE("skipmin", "SkipMin", INT, NONZERO), ONE("skipafter", "SkipAfter", INT, NONZERO),
	ONE("sequence", "Sequence", INT, NONZERO), ONE("slotinpod", "SlotInPod", INT, NONZERO),
	ONE("mincpmpersec", "MinCPMPerSec", FLOAT, NONZERO), LIST("battr", "BAttr", INT, NONZERO),
	ONE("maxextended", "MaxExtended", INT, NONZERO), ONE("minbitrate", "MinBitRate", INT, NONZERO),
	ONE("maxbitrate", "MaxBitRate", INT, NONZERO), ONE("boxingallowed", "BoxingAllowed", INT, GIVEN),
	LIST("playbackmethod", "PlaybackMethod", INT, NONZERO),
	ONE("playbackend", "PlaybackEnd", INT, NONZERO), LIST("delivery", "Delivery", INT, NONZERO),
	ONE("pos", "Pos", INT, GIVEN), OBJECTS("companionad", "CompanionAd", banner, NONZERO),
	LIST("api", "API", INT, NONZERO), LIST("companiontype", "CompanionType", INT, NONZERO),
	LIST("poddedupe", "PodDedupe", INT, NONZERO),
	OBJECTS("durfloors", "DurFloors", dur_floors, NONZERO), ONE("ext", "Ext", RAW, NONZERO),
};
/* clang-format on */

static const struct typed_struct app_type = TYPE("App", app_fields);
static const struct typed_struct audio_type = TYPE("Audio", audio_fields);
static const struct typed_struct banner_type = TYPE("Banner", banner_fields);
static const struct typed_struct bid_type = TYPE("Bid", bid_fields);
static const struct typed_struct bid_request_type = TYPE("BidRequest", bid_request_fields);
static const struct typed_struct bid_response_type = TYPE("BidResponse", bid_response_fields);
static const struct typed_struct brand_version_type = TYPE("BrandVersion", brand_version_fields);
static const struct typed_struct channel_type = TYPE("Channel", channel_fields);
static const struct typed_struct content_type = TYPE("Content", content_fields);
static const struct typed_struct dooh_type = TYPE("DOOH", dooh_fields);
static const struct typed_struct data_type = TYPE("Data", data_fields);
static const struct typed_struct deal_type = TYPE("Deal", deal_fields);
static const struct typed_struct device_type = TYPE("Device", device_fields);
static const struct typed_struct dur_floors_type = TYPE("DurFloors", dur_floors_fields);
static const struct typed_struct eid_type = TYPE("EID", eid_fields);
static const struct typed_struct format_type = TYPE("Format", format_fields);
static const struct typed_struct geo_type = TYPE("Geo", geo_fields);
static const struct typed_struct imp_type = TYPE("Imp", imp_fields);
static const struct typed_struct metric_type = TYPE("Metric", metric_fields);
static const struct typed_struct native_type = TYPE("Native", native_fields);
static const struct typed_struct network_type = TYPE("Network", network_fields);
static const struct typed_struct pmp_type = TYPE("PMP", pmp_fields);
static const struct typed_struct producer_type = TYPE("Producer", producer_fields);
static const struct typed_struct publisher_type = TYPE("Publisher", publisher_fields);
static const struct typed_struct qty_type = TYPE("Qty", qty_fields);
static const struct typed_struct ref_settings_type = TYPE("RefSettings", ref_settings_fields);
static const struct typed_struct refresh_type = TYPE("Refresh", refresh_fields);
static const struct typed_struct regs_type = TYPE("Regs", regs_fields);
static const struct typed_struct seat_bid_type = TYPE("SeatBid", seat_bid_fields);
static const struct typed_struct segment_type = TYPE("Segment", segment_fields);
static const struct typed_struct site_type = TYPE("Site", site_fields);
static const struct typed_struct source_type = TYPE("Source", source_fields);
static const struct typed_struct supply_chain_type = TYPE("SupplyChain", supply_chain_fields);
static const struct typed_struct supply_chain_node_type = TYPE("SupplyChainNode", supply_chain_node_fields);
static const struct typed_struct uid_type = TYPE("UID", uid_fields);
static const struct typed_struct user_type = TYPE("User", user_fields);
static const struct typed_struct user_agent_type = TYPE("UserAgent", user_agent_fields);
static const struct typed_struct video_type = TYPE("Video", video_fields);

static const struct typed_struct *const types[ORTB_TYPES] = {
	[ORTB_APP] = &app_type,
	[ORTB_AUDIO] = &audio_type,
	[ORTB_BANNER] = &banner_type,
	[ORTB_BID] = &bid_type,
	[ORTB_BID_REQUEST] = &bid_request_type,
	[ORTB_BID_RESPONSE] = &bid_response_type,
	[ORTB_CONTENT] = &content_type,
	[ORTB_DATA] = &data_type,
	[ORTB_DEVICE] = &device_type,
	[ORTB_DOOH] = &dooh_type,
	[ORTB_EID] = &eid_type,
	[ORTB_GEO] = &geo_type,
	[ORTB_IMP] = &imp_type,
	[ORTB_NATIVE] = &native_type,
	[ORTB_PUBLISHER] = &publisher_type,
	[ORTB_REGS] = &regs_type,
	[ORTB_SEAT_BID] = &seat_bid_type,
	[ORTB_SITE] = &site_type,
	[ORTB_SOURCE] = &source_type,
	[ORTB_SUPPLY_CHAIN] = &supply_chain_type,
	[ORTB_USER] = &user_type,
	[ORTB_VIDEO] = &video_type,
};

const struct typed_struct *ortb_struct(enum ortb_type type)
{
	return types[type];
}

json_t *ortb_decode(json_t *in, enum ortb_type type, struct errtext *why, struct errtext *where)
{
	return typed_decode(in, types[type], why, where);
}
