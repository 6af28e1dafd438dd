/* Pipes hidden states through a codec: float32 tokens to frames, and back.
 *
 *     pipe encode CODEC [TOKENS [QUALITY]] <states >frames
 *     pipe decode CODEC <frames >states
 *     pipe show CODEC
 *
 * CODEC is a folder of `Codec.save_pretrained` or a file of `rdcodec export`. States are [tokens, channels] in the machine's order of bytes;
 * a frame holds TOKENS of them, 64 if that is not said, and as many as are left at the end. Frames are written as soon as their
 * tokens are there, and states as soon as their frame is.
 *
 * Build it with   cc pipe.c -o pipe $(pkg-config --cflags --libs rdcodec)   , or with a C++ compiler. */
#include <rdc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(rdc_status status) {
    char text[256];
    rdc_error_text(status, text, sizeof text);
    fprintf(stderr, "pipe: %s\n", text);
    return 1;
}

static int fail_of(const char *what) {
    fprintf(stderr, "pipe: %s\n", what);
    return 1;
}

/* ---- Encoding ---- */

static int write_out(const void *bytes, size_t size) {
    return fwrite(bytes, 1, size, stdout) == size && fflush(stdout) == 0;
}

/* `h` is room for `most` tokens of so many bytes. */
static int encode_tokens(rdc_encoder *encoder, float *h, size_t most, size_t token_bytes) {
    for (size_t tokens = most; tokens == most;) {
        const size_t bytes = fread(h, 1, most * token_bytes, stdin);
        tokens = bytes / token_bytes;
        if (bytes % token_bytes) return fail_of("the states end within a token");
        if (!tokens) break;
        rdc_bytes frame;
        const rdc_status status = rdc_encoder_encode(encoder, h, RDC_FLOAT32, tokens, &frame);
        if (status.error != RDC_OK) return fail(status);
        if (!write_out(frame.bytes, frame.size)) return fail_of("the frames cannot be written");
    }
    return ferror(stdin) ? fail_of("the states cannot be read") : 0;
}

static int encode(const rdc_checkpoint *codec, size_t most, int32_t quality) {
    const size_t token_bytes = rdc_checkpoint_describe(codec)->channels * sizeof(float);
    rdc_encoder *encoder;
    const rdc_status status = rdc_encoder_make(&encoder, codec, quality);
    if (status.error != RDC_OK) return fail(status);
    float *h = (float *)malloc(most * token_bytes);
    const int result = h ? encode_tokens(encoder, h, most, token_bytes) : fail_of("out of memory");
    free(h);
    rdc_encoder_free(encoder);
    return result;
}

/* ---- Decoding ---- */

/* The next frame, byte by byte, for nobody should wait for bytes behind it; `bytes` is room for any. Its size is 0 behind the last one. */
static rdc_status read_frame(const rdc_decoder *decoder, uint8_t *bytes, rdc_bytes *frame) {
    size_t tokens, size = 0;
    rdc_status status = {RDC_OK, 0, 0};
    frame->bytes = bytes;
    frame->size = 0;
    for (int byte = getchar(); byte != EOF; byte = getchar()) {
        bytes[size++] = (uint8_t)byte;
        status = rdc_decoder_peek(decoder, bytes, size, &frame->size, &tokens);
        if (status.error != RDC_ERROR_TRUNCATED) break;
    }
    return status;
}

/* `bytes` and `h` are room for any frame, and for its tokens. */
static int decode_frames(rdc_decoder *decoder, uint8_t *bytes, float *h, size_t token_bytes) {
    for (;;) {
        size_t tokens;
        rdc_bytes frame;
        rdc_status status = read_frame(decoder, bytes, &frame);
        if (status.error == RDC_OK && !frame.size) return ferror(stdin) ? fail_of("the frames cannot be read") : 0;
        if (status.error == RDC_OK) status = rdc_decoder_decode(decoder, frame, RDC_FLOAT32, h, RDC_MAX_FRAME_TOKENS, &tokens);
        if (status.error != RDC_OK) return fail(status);
        if (!write_out(h, tokens * token_bytes)) return fail_of("the states cannot be written");
    }
}

static int decode(const rdc_checkpoint *codec) {
    const size_t token_bytes = rdc_checkpoint_describe(codec)->channels * sizeof(float);
    rdc_decoder *decoder;
    const rdc_status status = rdc_decoder_make(&decoder, codec);
    if (status.error != RDC_OK) return fail(status);
    uint8_t *bytes = (uint8_t *)malloc(rdc_frame_bound(RDC_MAX_PAYLOAD));
    float *h = (float *)malloc(RDC_MAX_FRAME_TOKENS * token_bytes);
    const int result = bytes && h ? decode_frames(decoder, bytes, h, token_bytes) : fail_of("out of memory");
    free(bytes);
    free(h);
    rdc_decoder_free(decoder);
    return result;
}

/* ---- The command line ---- */

static int show(const rdc_checkpoint *codec) {
    const rdc_checkpoint_facts *facts = rdc_checkpoint_describe(codec);
    printf("family %s\nid ", facts->family);
    for (size_t i = 0; i < sizeof facts->codec_id; i++) printf("%02x", facts->codec_id[i]);
    printf("\nchannels %lu\nlayer %ld\n", (unsigned long)facts->channels, (long)facts->layer);
    printf("quality %ld to %ld, %ld by default\n", (long)facts->min_quality, (long)facts->max_quality, (long)facts->default_quality);
    printf("model %s %s\n", facts->model_type[0] ? facts->model_type : "unknown", facts->fingerprint);
    return 0;
}

static int run(int count, char **arguments, const rdc_checkpoint *codec) {
    const char *command = arguments[1];
    if (strcmp(command, "show") == 0) return show(codec);
    if (strcmp(command, "decode") == 0) return decode(codec);
    const long tokens = count > 3 ? atol(arguments[3]) : 64;
    const long quality = count > 4 ? atol(arguments[4]) : rdc_checkpoint_describe(codec)->default_quality;
    if (tokens < 1 || tokens > RDC_MAX_FRAME_TOKENS) return fail_of("TOKENS: expected 1 to 4096");
    return encode(codec, (size_t)tokens, (int32_t)quality);
}

static int is_command(const char *name) {
    return strcmp(name, "encode") == 0 || strcmp(name, "decode") == 0 || strcmp(name, "show") == 0;
}

int main(int count, char **arguments) {
    if (count < 3 || !is_command(arguments[1])) return fail_of("usage: pipe encode|decode|show CODEC [TOKENS [QUALITY]]");
    rdc_checkpoint *codec;
    rdc_message message;
    if (rdc_checkpoint_load(&codec, arguments[2], &message).error != RDC_OK) return fail_of(message.text);
    const int result = run(count, arguments, codec);
    rdc_checkpoint_free(codec);
    return result;
}
