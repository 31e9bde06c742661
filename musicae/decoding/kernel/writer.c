/* The loop that writes voices, symbol by symbol: decoding/writing.py and the small parts of the graphs
 * of models/graphs/voices.py.  ONNX Runtime multiplies matrices; all else is here.
 *
 * next() computes up to the next product of matrices and returns the number of its graph. */

#include "writer.h"

Job job;

enum { GRAPHS = 64, MOST_FEATURES = 512, MOST_SPAN = 512, CHORD_COLUMNS = 8, UNKNOWN_PITCH = 2 * INTERVALS };
static enum { BEGIN, FRAMES, ROWS } phase;
static int asked, framed, layer; /* rows, candidates whose frames are computed, and how far */

__attribute__((export_name("job"))) Job *address(void) { return &job; }
__attribute__((export_name("size"))) int size(void) { return sizeof job; }

static int relations(void) { return RELATIONS + VOICES + (job.chords ? CHORD_RELATIONS : 0); }
static int past_columns(void) { return VOICES * PARTS + PAIRS + (job.chords ? VOICES : 0); }

/* ---- Notes ---- */

static Notes *notes_at(int candidate, int step)
{
    return job.notes + candidate * RING + step % RING;
}

static u8 *token_at(int candidate, int step)
{
    return job.tokens + (candidate * job.padded + step) * VOICES;
}

static int leap_of(int before, int after)
{
    return before == NONE || after == NONE ? NONE : clip(after - before, WIDEST_LEAP) + WIDEST_LEAP;
}

static int interval_between(int upper, int lower)
{
    return upper == NONE || lower == NONE ? NONE : clip(upper - lower, WIDEST_INTERVAL) + WIDEST_INTERVAL;
}

/* Derive a candidate's notes up to the step before stop. */
static void derive(int candidate, int stop)
{
    for (int step = job.derived[candidate]; step < stop; step++) {
        const Notes *was = notes_at(candidate, step);
        Notes *note = notes_at(candidate, step + 1);
        const u8 *symbols = token_at(candidate, step);
        for (int voice = 0; voice < VOICES; voice++) {
            int symbol = symbols[voice], pitch = pitch_of(symbol, voice, was->pitch[voice]);
            int goes_on = symbol == HOLD || (symbol == SILENCE && was->kind[voice] == SILENT);
            int age = was->age[voice];
            note->pitch[voice] = pitch;
            note->kind[voice] = pitch == NONE ? SILENT : symbol == HOLD ? HELD : BEGUN;
            note->age[voice] = goes_on ? age + (age < OLDEST) : 0;
            note->leap[voice] = goes_on ? was->leap[voice] : leap_of(was->pitch[voice], pitch);
        }
        job.derived[candidate] = step + 1;
    }
}

/* ---- Features: rows of embeddings, summed ---- */

typedef struct {
    int count, rows[MOST_FEATURES];
} Features;

static void add_feature(Features *found, int first, int value)
{
    if (value != NONE)
        found->rows[found->count++] = first + value;
}

static void add_sum(float *x, const float *table, const Features *found)
{
    int width = job.width, column = 0;
    for (; column + 16 <= width; column += 16) {
        f4 *to = (f4 *)(x + column), a = to[0], b = to[1], c = to[2], d = to[3];
        for (int i = 0; i < found->count; i++) {
            const f4 *row = (const f4 *)(table + found->rows[i] * width + column);
            a += row[0], b += row[1], c += row[2], d += row[3];
        }
        to[0] = a, to[1] = b, to[2] = c, to[3] = d;
    }
    for (; column < width; column++)
        for (int i = 0; i < found->count; i++)
            x[column] += table[found->rows[i] * width + column];
}

typedef struct {
    int tonic;
    const u8 *context; /* of the step */
} Place;

static Place place_of(int decoder, int candidate, int step)
{
    int piece = job.piece[candidate];
    const u8 *context = job.context + ((decoder * job.pieces + piece) * job.padded + step) * job.columns;
    return (Place){job.tonic[piece], context};
}

static const u8 *chord_at(Place at) { return at.context + job.columns - CHORD_COLUMNS; }

/* The place of a degree in a chord, or NONE. */
static int member_place(int degree, int root, int quality)
{
    return root ? job.member_place[12 * quality + (degree - root + 13) % 12] : NONE;
}

static int degree_of(int pitch, int tonic) { return pitch == NONE ? NONE : (pitch - tonic + 12) % 12; }

static int age_class(int age)
{
    static const int AGES[] = {1, 2, 3, 4, 5, 7, 9, 13, 17};
    int found = 0;
    if (age == NONE)
        return NONE;
    while (found < 9 && AGES[found] <= age)
        found++;
    return found;
}

static void add_intervals(Features *found, const int *first, const i16 *pitch, int seen)
{
    for (int upper = 0; upper < VOICES; upper++)
        for (int lower = upper + 1; lower < VOICES; lower++, first++)
            if (has(seen, upper) && has(seen, lower))
                add_feature(found, *first, interval_between(pitch[upper], pitch[lower]));
}

static void add_places(Features *found, const int *first, const i16 *pitch, int seen, Place at)
{
    const u8 *chord = chord_at(at);
    for (int voice = 0; job.chords && voice < VOICES; voice++)
        if (has(seen, voice) && pitch[voice] != NONE)
            add_feature(found, first[voice],
                member_place(degree_of(pitch[voice], at.tonic), chord[0], chord[1]));
}

/* The features of the notes of an earlier step. */
static void add_past(Features *found, const int *first, const Notes *note, Place at)
{
    for (int voice = 0; voice < VOICES; voice++, first += PARTS) {
        int pitch = note->pitch[voice];
        add_feature(found, first[0], note->kind[voice]);
        add_feature(found, first[1], pitch == NONE ? NONE : pitch - job.floor);
        add_feature(found, first[2], degree_of(pitch, at.tonic));
        add_feature(found, first[3], age_class(note->age[voice]));
        add_feature(found, first[4], note->leap[voice]);
    }
    add_intervals(found, first, note->pitch, ~0);
    add_places(found, first + PAIRS, note->pitch, ~0, at);
}

static void add_context(Features *found, const int *first, Place at)
{
    for (int column = 0; column < job.columns; column++)
        add_feature(found, first[column], at.context[column]);
}

/* The features of the notes of a step that a voice sees. */
static void add_now(Features *found, int voice, int seen, const Notes *was, const Notes *now, Place at)
{
    const int *first = job.now_first;
    for (int other = 0; other < VOICES; other++, first += PARTS) {
        int pitch = now->pitch[other];
        if (!has(seen, other)) {
            add_feature(found, first[0], UNKNOWN);
            continue;
        }
        add_feature(found, first[0], now->kind[other]);
        add_feature(found, first[1], pitch == NONE ? NONE : pitch - job.floor);
        add_feature(found, first[2], degree_of(pitch, at.tonic));
        /* For a note of this step the features are its motion from the step before. */
        add_feature(found, first[4], leap_of(was->pitch[other], pitch));
    }
    add_intervals(found, first, now->pitch, seen);
    first += PAIRS;
    for (int other = 0; other < VOICES; other++)
        if (has(seen, other))
            add_feature(found, first[other], interval_between(was->pitch[voice], now->pitch[other]));
    first += VOICES;
    add_places(found, first, now->pitch, seen, at);
    add_feature(found, first[job.chords ? VOICES : 0], voice);
}

/* ---- Frames ---- */

static float total_of(f4 sum) { return sum[0] + sum[1] + (sum[2] + sum[3]); }

static void copy(float *to, const float *from, int count)
{
    for (int i = 0; i < count; i++)
        to[i] = from[i];
}

/* The sum of embeddings for a frame. */
static void begin_frame(int row, int decoder, int candidate, int frame)
{
    Features found;
    found.count = 0;
    int columns = past_columns(), of_step = columns + job.columns;
    for (int k = 0; k < job.stride; k++) {
        int step = frame * job.stride + k, before = step - job.stride;
        const int *first = job.past_first + k * of_step;
        if (frame)
            add_past(&found, first, notes_at(candidate, before + 1), place_of(decoder, candidate, before));
        add_context(&found, first + columns, place_of(decoder, candidate, step));
    }
    float *x = job.summed + row * job.width;
    for (int i = 0; i < job.width; i++)
        x[i] = 0;
    add_sum(x, job.past, &found);
}

/* Prepare the next frame of each candidate whose rows need one. */
static int begin_frames(void)
{
    framed = layer = 0;
    for (int row = 0; row < asked; row++) {
        int candidate = job.row_of[row], frame = job.begun[candidate];
        if (frame > job.row_step[row] / job.stride || (row && job.row_of[row - 1] == candidate))
            continue;
        derive(candidate, frame * job.stride);
        job.frame_of[framed] = candidate;
        job.frame_number[framed++] = frame;
    }
    for (int row = 0; row < framed * job.decoders; row++)
        begin_frame(row, row / framed, job.frame_of[row % framed], job.frame_number[row % framed]);
    return framed * job.decoders;
}

/* Rotate a query or key in place. */
static void rotate(float *x, const float *cos, const float *sin, int half)
{
    for (int i = 0; i < half; i++) {
        float a = x[i], b = x[half + i];
        x[i] = a * cos[i] - b * sin[i];
        x[half + i] = a * sin[i] + b * cos[i];
    }
}

static float product(const float *a, const float *b, int count)
{
    f4 sum = {0};
    for (int i = 0; i < count; i += 4)
        sum += *(const f4 *)(a + i) * *(const f4 *)(b + i);
    return total_of(sum);
}

/* The output of an attention head over the frames in the cache and the present frame. */
static void attend(float *heard, const float *query, const float *keys, const float *values, int frame)
{
    int depth = job.width / job.heads, room = job.span + 1, count = 0;
    int first = frame > job.span ? frame - job.span : 0;
    float shares[MOST_SPAN], top = -__builtin_inff(), scale = 1.0f / __builtin_sqrtf(depth), total = 0;
    for (int earlier = first; earlier <= frame; earlier++, count++) {
        shares[count] = scale * product(query, keys + earlier % room * depth, depth);
        top = shares[count] > top ? shares[count] : top;
    }
    for (int i = 0; i < count; i++)
        shares[i] -= top;
    for (int i = count; i & 3; i++)
        shares[i] = 0;
    exponentials(shares, (count + 3) & ~3);
    for (int i = 0; i < count; i++)
        total += shares[i];
    for (int i = 0; i < depth; i++)
        heard[i] = 0;
    for (int i = 0; i < count; i++) {
        const float *value = values + (first + i) % room * depth;
        f4 share = (f4){} + shares[i] / total;
        for (int k = 0; k < depth; k += 4)
            *(f4 *)(heard + k) += share * *(const f4 *)(value + k);
    }
}

/* The attention of a layer: its queries, keys and values are in parts. */
static void attend_all(void)
{
    int depth = job.width / job.heads, room = job.span + 1;
    for (int row = 0; row < framed * job.decoders; row++) {
        int candidate = job.frame_of[row % framed], frame = job.frame_number[row % framed];
        int stream = row / framed * job.candidates + candidate;
        const float *cos = job.cos + frame * (depth / 2), *sin = job.sin + frame * (depth / 2);
        for (int head = 0; head < job.heads; head++) {
            int cached = ((stream * job.layers + layer) * job.heads + head) * room * depth;
            float *keys = job.keys + cached, *values = job.values + cached;
            float *query = job.parts + row * 3 * job.width + head * depth, *key = query + job.width;
            rotate(query, cos, sin, depth / 2);
            rotate(key, cos, sin, depth / 2);
            copy(keys + frame % room * depth, key, depth);
            copy(values + frame % room * depth, key + job.width, depth);
            attend(job.heard + row * job.width + head * depth, query, keys, values, frame);
        }
    }
}

/* Keep the states that the layers computed. */
static void keep_frames(void)
{
    for (int row = 0; row < framed * job.decoders; row++) {
        int stream = row / framed * job.candidates + job.frame_of[row % framed];
        copy(job.states + stream * job.width, job.state + row * job.width, job.width);
        job.begun[job.frame_of[row % framed]] = job.frame_number[row % framed] + 1;
    }
}

/* ---- Turns ---- */

/* The voices that a voice sees when it is written at a step, as bits. */
static int seen_by(int voice, int step)
{
    int found = job.known[step];
    for (int turn = 0; job.order[turn] != voice; turn++)
        found |= 1 << job.order[turn];
    return found & ~(1 << voice);
}

static int is_last(int voice, int step)
{
    int turn = VOICES - 1;
    for (; job.order[turn] != voice; turn--)
        if (!has(job.known[step], job.order[turn]))
            return 0;
    return 1;
}

/* Go on to the next open symbol at a turn or after it; 0 at the end of the piece. */
static int find_open(int candidate, int *step, int *turn)
{
    for (; *step < job.lengths[candidate]; ++*step, *turn = 0)
        for (; *turn < VOICES; ++*turn)
            if (!has(job.known[*step], job.order[*turn]))
                return 1;
    return 0;
}

/* Ask for one turn of a candidate; or for all turns of a step if no note is likely, because no voice
 * moved a quarter before. */
static void ask_candidate(int candidate)
{
    int step = job.next_step[candidate];
    int likely = job.moved[candidate * QUARTER + step % QUARTER] == step - QUARTER;
    for (int turn = job.next_turn[candidate], row = 0; turn < VOICES; turn++) {
        if (has(job.known[step], job.order[turn]))
            continue;
        if (row++ && likely)
            break;
        job.row_of[asked] = candidate;
        job.row_step[asked] = step;
        job.row_voice[asked++] = job.order[turn];
    }
}

/* Ask for symbols of all candidates that are in the first frame; 0 when all is written. */
static int ask(void)
{
    int frame = 0x7fffffff;
    asked = 0;
    for (int c = 0; c < job.candidates; c++)
        if (find_open(c, job.next_step + c, job.next_turn + c) && job.next_step[c] / job.stride < frame)
            frame = job.next_step[c] / job.stride;
    for (int c = 0; c < job.candidates; c++)
        if (job.next_step[c] < job.lengths[c] && job.next_step[c] / job.stride == frame)
            ask_candidate(c);
    return asked;
}

/* ---- Scores ---- */

/* The input of the layers that score a row's symbols. */
static void begin_row(int row, int decoder)
{
    int candidate = job.row_of[row], step = job.row_step[row];
    Place at = place_of(decoder, candidate, step);
    float *x = job.rows + (decoder * asked + row) * job.width;
    derive(candidate, step + 1);
    if (row && job.row_of[row - 1] == candidate && job.row_step[row - 1] == step) {
        /* Another voice of the same step: its own part is not summed yet. */
        copy(x, x - job.width, job.width);
    } else {
        int stream = decoder * job.candidates + candidate;
        Features found;
        found.count = 0;
        add_past(&found, job.before_first, notes_at(candidate, step), at);
        add_context(&found, job.before_first + past_columns(), at);
        copy(x, job.states + stream * job.width, job.width);
        add_sum(x, job.before, &found);
    }
}

static void finish_row(int row, int decoder)
{
    int candidate = job.row_of[row], step = job.row_step[row], voice = job.row_voice[row];
    Features found;
    found.count = 0;
    add_now(&found, voice, seen_by(voice, step), notes_at(candidate, step),
        notes_at(candidate, step + 1), place_of(decoder, candidate, step));
    add_sum(job.rows + (decoder * asked + row) * job.width, job.now, &found);
}

static int begin_rows(void)
{
    for (int decoder = 0; decoder < job.decoders; decoder++) {
        for (int row = 0; row < asked; row++)
            begin_row(row, decoder);
        for (int row = 0; row < asked; row++)
            finish_row(row, decoder);
    }
    return asked * job.decoders;
}

/* The key vector of a pitch in one relation. */
static const f4 *vector_of(const float *table, int relation, int index)
{
    return (const f4 *)(table + (relation * (2 * INTERVALS + 1) + index) * job.depth);
}

/* The negative log-likelihoods of a row's symbols, in nats. */
static void score(int row, int decoder, const Turn *turn, double *nats)
{
    int voice = turn->voice, count = relations(), lengths = job.depth / 4, from = decoder * asked + row;
    const f4 *query = (const f4 *)(job.queries + from * count * job.depth);
    const float *hold_or_rest = job.hold_or_rest + from * 2 * VOICES + 2 * voice;
    const float *table = job.intervals + voice * count * (2 * INTERVALS + 1) * job.depth;
    Place at = place_of(decoder, turn->candidate, turn->step);
    const u8 *chord = chord_at(at);
    float logits[MOST_SYMBOLS];
    logits[HOLD] = turn->was[voice] == NONE ? -__builtin_inff() : hold_or_rest[0];
    logits[SILENCE] = hold_or_rest[1];
    const Notes *now = notes_at(turn->candidate, turn->step + 1);
    for (int symbol = FIRST_PITCH; symbol < job.symbols[voice]; symbol++) {
        int pitch = pitch_of(symbol, voice, NONE), degree = degree_of(pitch, at.tonic);
        const f4 *keys[RELATIONS + VOICES + CHORD_RELATIONS];
        keys[0] = vector_of(table, 0, pitch - job.floor);
        keys[1] = vector_of(table, 1, degree);
        for (int other = 0; other < VOICES; other++) {
            /* The table holds intervals to notes of this step, then to notes of the step before. */
            int seen = has(turn->seen, other);
            int there = seen ? now->pitch[other] : turn->was[other];
            int index = there == NONE ? UNKNOWN_PITCH
                                      : interval_between(pitch, there) + (seen ? 0 : INTERVALS);
            keys[RELATIONS + other] = vector_of(table, RELATIONS + other, index);
        }
        if (job.chords) {
            int place = member_place(degree, chord[0], chord[1]);
            int later = member_place(degree, chord[4], chord[5]);
            int above = chord[2] ? (degree - chord[2] + 13) % 12 : 12;
            int relation = RELATIONS + VOICES;
            keys[relation] = vector_of(table, relation, place == NONE ? PLACES : place);
            keys[relation + 1] = vector_of(table, relation + 1, above);
            keys[relation + 2] = vector_of(table, relation + 2, later == NONE ? PLACES : later);
        }
        f4 a = {0}, b = {0}; /* two sums: one addition need not wait for the other */
        for (int relation = 0; relation < count; relation += 2)
            for (int i = 0; i < lengths; i++) {
                a += query[relation * lengths + i] * keys[relation][i];
                if (relation + 1 < count)
                    b += query[(relation + 1) * lengths + i] * keys[relation + 1][i];
            }
        logits[symbol] = total_of(a + b);
    }
    for (int symbol = 0; symbol < job.symbols[voice]; symbol++)
        logits[symbol] /= job.calibration;
    normalize(logits, job.symbols[voice], nats);
}

/* Choose the symbol of a row, and add its negative log-likelihood to the candidate's nats. */
static int answer_row(int row)
{
    Turn turn = {.candidate = job.row_of[row], .step = job.row_step[row], .voice = job.row_voice[row]};
    const Notes *was = notes_at(turn.candidate, turn.step);
    const Notes *now = notes_at(turn.candidate, turn.step + 1);
    turn.seen = seen_by(turn.voice, turn.step);
    turn.last = is_last(turn.voice, turn.step);
    for (int other = 0; other < VOICES; other++) {
        turn.was[other] = was->pitch[other];
        turn.now[other] = has(turn.seen, other) ? now->pitch[other] : REST;
    }
    double own[MOST_SYMBOLS], cost[MOST_SYMBOLS];
    int symbols = job.symbols[turn.voice];
    score(row, 0, &turn, own);
    for (int symbol = 0; symbol < symbols; symbol++)
        cost[symbol] = own[symbol];
    if (job.decoders > 1) {
        double others[MOST_SYMBOLS];
        score(row, 1, &turn, others);
        for (int symbol = 0; symbol < symbols; symbol++)
            if (others[symbol] < __builtin_inf())
                cost[symbol] += (job.options[3] - 1.0) * (own[symbol] - others[symbol]);
    }
    add_costs(&turn, cost);
    int place = (turn.candidate * job.steps + turn.step) * VOICES + turn.voice;
    int chosen = choose(cost, symbols, job.uniform[place]);
    job.nats[turn.candidate] += own[chosen];
    return chosen;
}

/* Keep the symbols of each candidate up to the first that is no hold.  All that was derived and
 * computed after it assumed a hold, so it is computed again. */
static void answer(void)
{
    for (int row = 0; row < asked;) {
        int candidate = job.row_of[row], stopped = 0;
        for (; row < asked && job.row_of[row] == candidate; row++) {
            if (stopped)
                continue;
            int step = job.row_step[row], voice = job.row_voice[row], turn = 0;
            int symbol = answer_row(row);
            while (job.order[turn] != voice)
                turn++;
            job.next_step[candidate] = step;
            job.next_turn[candidate] = turn + 1;
            if (symbol == HOLD)
                continue;
            stopped = 1;
            job.moved[candidate * QUARTER + step % QUARTER] = step;
            token_at(candidate, step)[voice] = symbol;
            if (step < job.derived[candidate])
                job.derived[candidate] = step;
        }
    }
}

/* The next graph to run: 0 when all is written; else GRAPHS times the number of rows, plus 0 for the
 * graph scores, 1 for layer0 and so on; after the last layer comes the graph state. */
__attribute__((export_name("next"))) int next(void)
{
    if (phase == FRAMES && layer < job.layers) {
        attend_all();
        return framed * job.decoders * GRAPHS + ++layer + 1;
    }
    if (phase == FRAMES)
        keep_frames();
    if (phase == ROWS)
        answer();
    if (phase != FRAMES && !ask())
        return 0;
    int rows = begin_frames();
    phase = rows ? FRAMES : ROWS;
    return rows ? rows * GRAPHS + 1 : begin_rows() * GRAPHS;
}

/* Add all costs besides the likelihood at job.turn to job.cost, so that tests can compare them. */
__attribute__((export_name("weigh"))) int weigh(void)
{
    add_costs(job.turn, job.cost);
    return 0;
}
