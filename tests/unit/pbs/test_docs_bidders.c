/* The bidder in C of docs/bidders.md does what is said of it there. The Makefile cuts it out of the page. */
#include "docs/acme.c"
#include "tests/unit/pbs/adapter_rig.h"

#define IMP(id, params) "{'id':'" id "','banner':{},'ext':{'bidder':" params "}}"

static void acme(void **state)
{
	static const struct adapter_row rows[] = {
		{ "the zone is the tag", "{'id':'r','imp':[" IMP("1", "{'zone':'z'}") "]}",
		  .calls = "[{'uri':'http://acme.example','headers':{'Content-Type':'application/"
			   "json;charset=utf-8','Accept':'application/json'},'body':{'id':'r','imp':[{'id':'"
			   "1','banner':{},'tagid':'z','ext':{'bidder':{'zone':'z'}}}]}}]" },
		{ "an imp without one is told and left out",
		  "{'id':'r','imp':[" IMP("1", "{}") "," IMP("2", "{'zone':7}") "," IMP("3",
											"{'zone':'z'}") "]}",
		  .calls = "[{'body':{'id':'r','imp':[{'id':'3','banner':{},'tagid':'z','ext':{'bidder':{"
			   "'zone':'z'}}}]}}]",
		  .errors = "2 zone is missing | 2 cannot unmarshal acme.Params.Zone: expects \" or n, but "
			    "found 7" },
		{ "types by their numbers", "{'id':'r','imp':[" IMP("1", "{'zone':'z'}") "]}", .status = 200,
		  .body = "{'cur':'EUR','seatbid':[{'bid':[{'id':'a','impid':'1','price':1,'ext':{'acme':{'"
			  "kind':7}}},{'id':'b','impid':'1','price':1}]}]}",
		  .currency = "EUR", .bids = "[{'type':'video'},{'type':'banner'}]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		rig_run_code(&adapter_acme, "acme", "http://acme.example", NULL, &rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(acme) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
