/* Linked with a fuzz target in place of libFuzzer: runs every file of tests/corpus/<X> (or of the directory
 * named on the command line) through it, so that inputs that once crashed are part of the unit tests. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX_BYTES = 4 << 20 };

static int replay(const char *dir, const char *name)
{
	char path[1024];
	uint8_t *data, *exact;
	size_t n;
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "rb");
	if (!f) {
		perror(path);
		return 1;
	}
	data = malloc(INPUT_MAX_BYTES);
	n = fread(data, 1, INPUT_MAX_BYTES, f);
	fclose(f);
	exact = malloc(n ? n : 1); /* of the input's size, so that a sanitizer sees a byte too far */
	memcpy(exact, data, n);
	free(data);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	const struct dirent *e;
	char dir[512];
	int failed = 0, n = 0;
	DIR *d;

	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	if (argc > 1)
		snprintf(dir, sizeof dir, "%s", argv[1]);
	else
		snprintf(dir, sizeof dir, "tests/corpus/%s", name);
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	d = opendir(dir);
	if (!d) {
		perror(dir);
		return 1;
	}
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		failed += replay(dir, e->d_name);
		n++;
	}
	closedir(d);
	printf("[       OK ] corpus %s, %d inputs\n", name, n);
	return failed || n == 0;
}
