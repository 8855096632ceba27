/* A user's program in C: completes a text, ends another by a stop text, cancels one, asks for a chat that the model has
   no template for, and gets a wrong path as a code with a message. */
#include <hearth/hearth_c.h>
#include <stdio.h>
#include <string.h>

static int print(const char* text, size_t size, void* user) {
  *(size_t*)user += size;
  return fwrite(text, 1, size, stdout) == size;
}

static int cancel(const char* text, size_t size, void* user) {
  (void)text, (void)size;
  ++*(size_t*)user;
  return 0;
}

int main(int argc, char** argv) {
  hearth_engine* engine = NULL;
  hearth_error error;
  hearth_sampling sampling;
  size_t bytes = 0, stopped = 0, calls = 0, count = 0;
  const char* const line_end[] = {"\n"};
  const char* const chat = "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}";
  if (argc != 2) return 2;
  if (hearth_load("no such file", NULL, &engine, &error) != HEARTH_BAD_MODEL || strlen(error.message) == 0) return 1;
  if (hearth_load(argv[1], NULL, &engine, &error) != HEARTH_OK) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  hearth_default_sampling(&sampling);
  sampling.max_tokens = 8;
  sampling.temperature = 0;
  if (hearth_complete(engine, "def add(a, b):", &sampling, print, &bytes, &error) != HEARTH_OK || bytes == 0) return 1;
  if (hearth_complete(engine, "def add(a, b):", &sampling, cancel, &calls, &error) != HEARTH_OK || calls != 1) return 1;
  if (hearth_chat(engine, chat, &sampling, print, &bytes, &error) != HEARTH_BAD_TEMPLATE) return 1;
  sampling.stop = line_end;
  sampling.stop_count = 1;
  if (hearth_complete(engine, "def add(a, b):", &sampling, print, &stopped, &error) != HEARTH_OK || stopped >= bytes)
    return 1;
  if (hearth_tokenize(engine, "def", NULL, 0, &count, &error) != HEARTH_OK || count == 0) return 1;
  hearth_free(engine);
  hearth_free(NULL);
  return 0;
}
