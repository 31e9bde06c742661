/* Shared by all parts of the kernel: the job that Python describes, and the notes of voices.
 *
 * Axes: N candidates, D decoders, P pieces, T steps, V voices, S symbols, W width, C columns
 * of the context, H rows asked for at once.  Constants are those of models/vocabulary.py. */

#ifndef WRITER_H
#define WRITER_H

typedef unsigned char u8;
typedef signed char i8;
typedef unsigned short u16;
typedef short i16;
typedef float f4 __attribute__((vector_size(16), aligned(4)));

enum { VOICES = 4, SOPRANO = 0, BASS = 3, PAIRS = 6, PARTS = 5 };
enum { HOLD, SILENCE, FIRST_PITCH, MOST_SYMBOLS = 64 };
enum { NONE = -1, REST = -1 };
enum { UNKNOWN, SILENT, HELD, BEGUN };
enum { WIDEST_LEAP = 13, WIDEST_INTERVAL = 35, INTERVALS = 71, PLACES = 16 };
enum { RELATIONS = 2, CHORD_RELATIONS = 3 };
enum { OLDEST = 100, RING = 64, QUARTER = 4 };

/* Notes at one step, as encoding/notes.py has them. */
typedef struct {
    i16 pitch[VOICES], kind[VOICES], age[VOICES], leap[VOICES];
} Notes;

/* The numbers of plan_costs.Members. */
enum { ROOT, CHORD_BASS, THIRD, LEADING, SEVENTH, PLACE, NUMBERS };
enum { BETWEEN, ON_BEAT, BEGINS, LAST };
enum { GIVEN_MEMBERS, GIVEN_NEEDED, GIVEN_BASS, GIVEN };
/* RuleCosts and PlanWeights; their fields in this order. */
enum { PARALLEL, DIRECT, CROSSING, OVERLAP, SPACING, LEAP, AUGMENTED, RESTING, RULES };
enum { OTHER_BASS, FOREIGN, SUSPENDED, AT_BEAT, INCOMPLETE, THIN, DOUBLED, RESTRUCK, UNRESOLVED, WEIGHTS };
enum { LEVER_BEGIN, LEVER_FOREIGN, LEVER_DISSONANT, LEVER_CHANGE, LEVERS };
enum { MOTIONS = 6, CLASSES = 13 };

/* The job.  Python (decoding/compiled.py) fills it: every field is 32 bits wide, in this order.  The
 * address of an array that the job does not have is 0. */
typedef struct {
    /* The model. */
    int width, depth, stride, span, layers, heads, columns, chords, floor;
    int lowest[VOICES], symbols[VOICES], order[VOICES];
    float calibration;
    const float *past, *before, *now; /* rows of embeddings (., W) */
    const float *cos, *sin; /* (padded / stride, width / heads / 2) of the rotary angles of frames */
    const int *past_first, *before_first, *now_first; /* the first row of each feature */
    const float *intervals; /* (V, relations, 2 * INTERVALS + 1, depth) */
    const u8 *member_place; /* (1 + qualities, 12) */
    /* The pieces. */
    int candidates, decoders, pieces, steps, padded;
    const u8 *context; /* (D, P, padded, C) */
    const u8 *tonic; /* (P) */
    const int *piece; /* (N) */
    const int *lengths; /* (N) */
    const u8 *known; /* (padded) voices as bits */
    const double *uniform; /* (N, T, V) */
    u8 *tokens; /* (N, padded, V) */
    double *nats; /* (N) */
    /* How symbols are chosen. */
    double *options; /* temperature, rhythm temperature or -1, top-p, guidance */
    const double *rules; /* (RULES) */
    const u8 *beside; /* (V, V) */
    const i8 *line; /* (N, 12) places on the line of fifths */
    const double *weights; /* (WEIGHTS), or 0 without a plan */
    const u16 *members; /* (T, N) pitch classes as bits */
    const i8 *numbers; /* (T, N, NUMBERS) */
    const float *firm; /* (T, N) */
    const int *closing; /* (N) */
    const i16 *given; /* (T, GIVEN) chords that begin at a step, members 0 where none does; or 0 */
    const double *of_pitch; /* (V, MOST_SYMBOLS) of an ensemble, or 0 */
    int hand, absent;
    const double *motion; /* (V, 3, MOTIONS), or 0 */
    const double *sonority; /* (3, CLASSES), or 0 */
    const u8 *class_of; /* (4096) */
    const u8 *places; /* (N, T) */
    const double *levers; /* (N, LEVERS), or 0 */
    const u16 *outside; /* (N) */
    const int *source; /* (N, T, V) where passages come from, or 0 */
    /* Working memory. */
    Notes *notes; /* (N, RING): at the index of a step those of the step before */
    int *derived, *begun, *next_step, *next_turn; /* (N) */
    int *moved; /* (N, QUARTER) the last steps at which a voice did not hold, by their place */
    float *states; /* (D, N, W) of the last frames */
    float *keys, *values; /* (D, N, layers, heads, span + 1, width / heads) */
    /* Inputs and outputs of the graphs. */
    int *frame_of, *frame_number; /* (N) */
    float *summed; /* (D * N, W) */
    float *parts, *heard, *state; /* (D * N, 3 W), and (D * N, W) each */
    float *rows; /* (D * H, W) */
    const float *queries, *hold_or_rest;
    int *row_of, *row_step, *row_voice; /* (H) */
    /* A single turn whose costs are computed, and these costs (MOST_SYMBOLS). */
    struct Turn *turn;
    double *cost;
} Job;

extern Job job;

/* A symbol to be chosen, and the pitches that are known then. */
typedef struct Turn {
    int candidate, step, voice, seen, last;
    i16 was[VOICES]; /* the pitches of the step before */
    i16 now[VOICES]; /* those of the step that are known or chosen, else REST */
} Turn;

void exponentials(float *x, int count);
void normalize(const float *logits, int symbols, double *nats);
void add_costs(const Turn *turn, double *cost);
int choose(const double *cost, int symbols, double uniform);

static inline int magnitude(int x) { return x < 0 ? -x : x; }
static inline int clip(int x, int most) { return x < -most ? -most : x > most ? most : x; }
static inline int has(int mask, int bit) { return bit >= 0 && (mask >> bit & 1); }
/* The pitch of a voice after a symbol; own is its pitch before. */
static inline int pitch_of(int symbol, int voice, int own)
{
    if (symbol < FIRST_PITCH)
        return symbol == HOLD ? own : REST;
    return symbol - FIRST_PITCH + job.lowest[voice];
}

#endif
