/* Hearth's C interface: opaque handles and error codes; no exception passes it. Functions that can fail return 0 for
   success or a hearth_code, and then fill `error` where it is not NULL. Strings are UTF-8. */
#ifndef HEARTH_C_H
#define HEARTH_C_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  HEARTH_OK = 0,
  HEARTH_INVALID_ARGUMENT = 1,
  HEARTH_BAD_MODEL = 2,
  HEARTH_PROMPT_TOO_LONG = 3,
  HEARTH_BAD_TEMPLATE = 4,
  HEARTH_OUT_OF_MEMORY = 5,
  HEARTH_DEVICE = 6,
  HEARTH_INTERNAL = 7,
  HEARTH_BUSY = 8,
  HEARTH_BAD_CACHE = 9,
  HEARTH_OTHER_CACHE = 10,
  HEARTH_DEVICE_LOST = 11
} hearth_code;

typedef struct {
  hearth_code code;
  char message[512]; /* one line, cut to this length */
} hearth_error;

typedef struct hearth_engine hearth_engine;

typedef struct {
  const char* device;  /* "cpu", "cuda", "vulkan", "vulkan:1" or "reference"; NULL: "cpu" */
  const char* kernels; /* NULL: the best of this machine */
  uint32_t threads;    /* 0: one for each core */
  uint32_t context;    /* tokens; 0: the model's own, but at most 4096 */
  const char* const* adapters; /* [adapter_count] paths of LoRA adapters of the model, which all answers use */
  const float* adapter_scales; /* [adapter_count]; NULL: 1 for each */
  size_t adapter_count;
  int lookup;        /* not 0: guess that texts go on as they did before; answers come sooner, and are the same */
  const char* draft; /* path of a small model with the same vocabulary, which guesses; NULL: none */
  int32_t gpu_layers; /* the last layers of the model that a GPU computes; 0: as many as fit; -1: none */
} hearth_options;

typedef struct {
  uint32_t max_tokens;
  float temperature; /* 0: always the likeliest token */
  uint32_t top_k;    /* 0: all */
  float top_p, min_p;
  int has_seed;            /* 0: a random seed each time, and `seed` is not read */
  uint64_t seed;           /* the same seed gives the same text */
  const char* const* stop; /* [stop_count] texts that end the answer and are no part of it; none is empty */
  size_t stop_count;
} hearth_sampling;

/* A piece of the answer, whole UTF-8 characters, not ended by a zero; return 0 to cancel. */
typedef int (*hearth_on_text)(const char* text, size_t size, void* user);

/* Fills in the defaults; NULL is left alone. */
void hearth_default_options(hearth_options* options);
void hearth_default_sampling(hearth_sampling* sampling);

/* Loads a model; *engine is to be freed with hearth_free, and NULL where it failed. options may be NULL. */
int hearth_load(const char* path, const hearth_options* options, hearth_engine** engine, hearth_error* error);
void hearth_free(hearth_engine* engine); /* NULL is allowed */

/* Goes on with a text. sampling may be NULL: the defaults. Several threads may call it; answers are made one after the
   other. The structs may grow in a later 0.x version: compile with the header of the library that you link. */
int hearth_complete(hearth_engine* engine, const char* prompt, const hearth_sampling* sampling, hearth_on_text on_text,
                    void* user, hearth_error* error);

/* Answers a conversation, as hearth_complete goes on with a text. `conversation` is a JSON object for the model's chat
   template: {"messages": [{"role": "user", "content": "..."}, ...]}, and where wanted "tools", "documents",
   "add_generation_prompt", "extra", an object of further variables, and "prefill", how the answer begins.
   HEARTH_BAD_TEMPLATE where the model has no template, or it refuses the conversation. */
int hearth_chat(hearth_engine* engine, const char* conversation, const hearth_sampling* sampling,
                hearth_on_text on_text, void* user, hearth_error* error);

/* Writes at most `capacity` ids and sets *count to how many there are; special tokens in the text are text. */
int hearth_tokenize(const hearth_engine* engine, const char* text, int32_t* ids, size_t capacity, size_t* count,
                    hearth_error* error);

/* Saves what the cache holds of all texts to a file, and brings it back, so that a prompt that begins as one of them
   need not be computed again. The file takes its name once it is whole, and is for its owner alone. A file that is cut
   or damaged is HEARTH_BAD_CACHE, one of another model, other options or another program HEARTH_OTHER_CACHE; then
   nothing changes, and the latter is not replaced where it is another program's. *tokens, where it is not NULL: how
   many were saved or restored. */
int hearth_save_cache(hearth_engine* engine, const char* path, uint64_t* tokens, hearth_error* error);
int hearth_load_cache(hearth_engine* engine, const char* path, uint64_t* tokens, hearth_error* error);

#ifdef __cplusplus
}
#endif

#endif
