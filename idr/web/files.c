#include "idr/web/files.h"

#include "common/mem.h"

/* The Makefile writes each file's bytes as a list of numbers. */
static const unsigned char index_html[] = {
#include "idr/web/index.html.inc"
};
static const unsigned char icon_svg[] = {
#include "idr/web/icon.svg.inc"
};
static const unsigned char style_css[] = {
#include "idr/web/style.css.inc"
};
static const unsigned char app_js[] = {
#include "idr/web/app.js.inc"
};
static const unsigned char api_js[] = {
#include "idr/web/api.js.inc"
};
static const unsigned char charts_js[] = {
#include "idr/web/charts.js.inc"
};
static const unsigned char figures_js[] = {
#include "idr/web/figures.js.inc"
};
static const unsigned char views_js[] = {
#include "idr/web/views.js.inc"
};
static const unsigned char publisher_js[] = {
#include "idr/web/publisher.js.inc"
};
static const unsigned char explain_js[] = {
#include "idr/web/explain.js.inc"
};
static const unsigned char ui_js[] = {
#include "idr/web/ui.js.inc"
};

#define JS "text/javascript; charset=utf-8"
#define FILE_OF(bytes)                                                                                       \
	{                                                                                                    \
		(const char *)(bytes), sizeof(bytes)                                                         \
	}

static const struct web_file files[] = {
	{ "index.html", "text/html; charset=utf-8", FILE_OF(index_html) },
	{ "icon.svg", "image/svg+xml", FILE_OF(icon_svg) },
	{ "style.css", "text/css; charset=utf-8", FILE_OF(style_css) },
	{ "app.js", JS, FILE_OF(app_js) },
	{ "api.js", JS, FILE_OF(api_js) },
	{ "charts.js", JS, FILE_OF(charts_js) },
	{ "figures.js", JS, FILE_OF(figures_js) },
	{ "views.js", JS, FILE_OF(views_js) },
	{ "publisher.js", JS, FILE_OF(publisher_js) },
	{ "explain.js", JS, FILE_OF(explain_js) },
	{ "ui.js", JS, FILE_OF(ui_js) },
};

const struct web_file *web_file_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (str_eq(name, str_of(files[i].name)))
			return &files[i];
	return NULL;
}
