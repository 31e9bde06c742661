/* The costs of symbols besides their likelihood, and the choice of a symbol: the formulas of
 * decoding/constraints.py, plan_costs.py, ensemble_costs.py, the tilts, levers, repeats and choice.py. */

#include "writer.h"

#define INFINITE __builtin_inf()

static const double FORBIDDEN = 50.0, OTHERWISE = 1e6, OUT_OF_REACH = 8.0, MISSING = 8.0;
enum { OCTAVE = 0, FIFTH = 7, STEP = 2, WIDEST_SPACING = 12, OCTAVE_LEAP = 12 };
enum { TRIED = 8, AUGMENTED_FOURTH = 6, CHROMATIC_SEMITONE = 7 };
static const int PARTNERS[VOICES] = {1, 0, 3, 2};

/* Replace the numbers in x by their exponentials; count is a multiple of 4, and none is large. */
void exponentials(float *x, int count)
{
    typedef int i4 __attribute__((vector_size(16)));
    for (int i = 0; i < count; i += 4) {
        f4 *at = (f4 *)(x + i), value = *at;
        i4 there = value > -87.0f;
        value = (f4)((i4)value & there);
        const float round = 12582912.0f; /* adding it leaves no fraction */
        f4 n = value * 1.44269504f + round - round;
        f4 r = value - n * 0.693359375f + n * 2.12194440e-4f;
        f4 sum = r * (1.0f / 5040) + 1.0f / 720;
        sum = sum * r + 1.0f / 120;
        sum = sum * r + 1.0f / 24;
        sum = sum * r + 1.0f / 6;
        sum = sum * r + 0.5f;
        sum = (sum * r + 1.0f) * r + 1.0f;
        i4 scale = (__builtin_convertvector(n, i4) + 127) << 23;
        *at = (f4)((i4)(sum * (f4)scale) & there);
    }
}

static double log_(double x)
{
    if (!(x > 0.0))
        return -INFINITE;
    union { double value; long long bits; } parts = {x};
    int exponent = (int)(parts.bits >> 52) - 1023;
    parts.bits = (parts.bits & 0xfffffffffffffLL) | 1023LL << 52;
    if (parts.value > 1.4142135623730951) {
        parts.value *= 0.5;
        exponent++;
    }
    double f = (parts.value - 1.0) / (parts.value + 1.0), square = f * f, sum = 0.0;
    for (int k = 21; k > 0; k -= 2)
        sum = sum * square + 1.0 / k;
    return exponent * 0.6931471805599453 + 2.0 * f * sum;
}

/* The cost of one pitch against another voice that sounds. */
static double beside(const Turn *turn, int other, int own, int pitch)
{
    int voice = turn->voice, were = turn->was[other], theirs = turn->now[other];
    int ours = own == REST ? 0 : pitch - own, moved = were == REST ? 0 : theirs - were;
    int apart = magnitude(pitch - theirs) % 12, again = apart == magnitude(own - were) % 12;
    int perfect = apart == OCTAVE || apart == FIFTH;
    double cost = 0.0;
    if (perfect && again && ours % 12 && moved % 12)
        cost += job.rules[PARALLEL];
    if (perfect && !again && voice + other == BASS && (!voice || !other) && ours * moved > 0
        && magnitude(voice == SOPRANO ? ours : moved) > STEP)
        cost += job.rules[DIRECT];
    if (!job.beside[voice * VOICES + other] || (pitch == own && theirs == were))
        return cost;
    int above = voice < other;
    int upper = above ? pitch : theirs, lower = above ? theirs : pitch;
    int upper_was = above ? own : were, lower_was = above ? were : own;
    if (upper < lower)
        cost += job.rules[CROSSING];
    if (voice != BASS && other != BASS && upper - lower > WIDEST_SPACING)
        cost += job.rules[SPACING];
    int beyond = upper_was != REST && (upper < lower_was || (lower_was != REST && lower > upper_was));
    if (beyond && upper >= lower && upper_was >= lower_was)
        cost += job.rules[OVERLAP];
    return cost;
}

static void add_rules(const Turn *turn, double *cost)
{
    int voice = turn->voice, own = turn->was[voice], sounds = 0;
    const i8 *line = job.line + turn->candidate * 12;
    for (int other = 0; other < VOICES; other++)
        sounds |= turn->now[other] != REST;
    for (int symbol = 0; symbol < job.symbols[voice]; symbol++) {
        int pitch = pitch_of(symbol, voice, own);
        if (pitch == REST)
            continue;
        for (int other = 0; other < VOICES; other++)
            if (turn->now[other] != REST)
                cost[symbol] += beside(turn, other, own, pitch);
        int steps = own == REST ? 0 : pitch - own, size = magnitude(steps);
        if (!steps)
            continue;
        if (size > OCTAVE_LEAP || size == 10 || size == 11)
            cost[symbol] += job.rules[LEAP];
        int upwards = line[pitch % 12] - line[own % 12];
        upwards = steps < 0 ? -upwards : upwards;
        if (upwards >= AUGMENTED_FOURTH && upwards != CHROMATIC_SEMITONE)
            cost[symbol] += job.rules[AUGMENTED];
    }
    if (sounds)
        cost[SILENCE] += job.rules[RESTING];
}

/* The pitch classes of the other voices, as bits. */
static int classes(const Turn *turn)
{
    int found = 0;
    for (int other = 0; other < VOICES; other++)
        if (turn->now[other] != REST)
            found |= 1 << turn->now[other] % 12;
    return found;
}

/* Whether moving to a pitch leaves a seventh or leading note of this voice unresolved. */
static int unresolved(const i8 *was, int members, int voice, int own, int pitch)
{
    if (own == REST || has(members, own % 12))
        return 0;
    int lower = has(members, (own + 11) % 12) || has(members, (own + 10) % 12);
    if (own % 12 == was[SEVENTH] && lower && own - pitch != 1 && own - pitch != 2)
        return 1;
    int outer = voice == SOPRANO || voice == BASS;
    return outer && own % 12 == was[LEADING] && has(members, (own + 1) % 12) && pitch - own != 1;
}

static void add_plan(const Turn *turn, double *cost)
{
    const double *weight = job.weights;
    int voice = turn->voice, own = turn->was[voice];
    int at = turn->step * job.candidates + turn->candidate;
    const i8 *chord = job.numbers + at * NUMBERS;
    const i8 *was = turn->step ? chord - job.candidates * NUMBERS : chord;
    int place = chord[PLACE], members = job.members[at], there = classes(turn);
    if (voice == SOPRANO && turn->step > job.closing[turn->candidate])
        for (int symbol = FIRST_PITCH; symbol < job.symbols[voice]; symbol++)
            cost[symbol] += weight[RESTRUCK];
    if (place == BETWEEN)
        return;
    for (int symbol = 0; symbol < job.symbols[voice]; symbol++) {
        int pitch = pitch_of(symbol, voice, own), degree = pitch % 12;
        if (pitch == REST) {
            cost[symbol] += place == LAST ? FORBIDDEN : 0.0;
            continue;
        }
        int member = has(members, degree);
        double foreign = weight[pitch == own ? SUSPENDED : FOREIGN], paid = 0.0;
        if (voice == BASS) {
            member = (member && degree == chord[CHORD_BASS]) || chord[CHORD_BASS] == NONE;
            foreign = weight[OTHER_BASS];
        }
        if (!member)
            paid += foreign * job.firm[at];
        if (has(there, degree) && (degree == chord[LEADING] || degree == chord[SEVENTH]))
            paid += weight[DOUBLED];
        int third = chord[THIRD];
        int incomplete = turn->last && third != NONE && !has(there, third) && degree != third;
        if (incomplete)
            paid += weight[INCOMPLETE];
        if (turn->last && __builtin_popcount(there) == 2 && has(there, degree))
            paid += weight[THIN];
        if (place == ON_BEAT)
            paid *= weight[AT_BEAT];
        if (place >= BEGINS && unresolved(was, members, voice, own, pitch))
            paid += weight[UNRESOLVED];
        if (place == LAST && (!member || incomplete))
            paid = FORBIDDEN;
        cost[symbol] += paid;
    }
}

static void add_ensemble(const Turn *turn, double *cost)
{
    int voice = turn->voice, own = turn->was[voice], other = turn->now[PARTNERS[voice]];
    int at = turn->step * job.candidates + turn->candidate, there = classes(turn);
    const i8 *chord = job.weights ? job.numbers + at * NUMBERS : 0;
    int complete = job.absent && turn->last && chord && chord[PLACE] != BETWEEN;
    for (int symbol = 0; symbol < job.symbols[voice]; symbol++) {
        int pitch = pitch_of(symbol, voice, own);
        cost[symbol] += job.of_pitch[voice * MOST_SYMBOLS + symbol];
        if (job.hand >= 0 && other != REST && pitch != REST && magnitude(pitch - other) > job.hand)
            cost[symbol] += OUT_OF_REACH;
        for (int number = ROOT; complete && number <= THIRD; number += THIRD - ROOT) {
            int member = chord[number];
            if (pitch == REST || (member != NONE && !has(there, member) && pitch % 12 != member))
                cost[symbol] += MISSING;
        }
    }
}

/* The kind of motion of a symbol, as motion_tilt.MOTIONS. */
static int motion(int symbol, int own, int pitch)
{
    static const int KINDS[] = {2, 3, 3, 4, 4, 5};
    if (pitch == REST)
        return 1;
    if (symbol == HOLD)
        return 0;
    if (own == REST)
        return 5;
    int size = magnitude(pitch - own);
    return KINDS[size > 5 ? 5 : size];
}

static void add_tilts(const Turn *turn, double *cost)
{
    int voice = turn->voice, own = turn->was[voice], there = classes(turn), stands = 1;
    int place = job.places ? job.places[turn->candidate * job.steps + turn->step] : 0;
    const double *lever = job.levers ? job.levers + turn->candidate * LEVERS : 0;
    for (int other = 0; other < VOICES; other++)
        stands &= other == voice || turn->now[other] == turn->was[other];
    for (int symbol = 0; symbol < job.symbols[voice]; symbol++) {
        int pitch = pitch_of(symbol, voice, own);
        if (job.motion)
            cost[symbol] -= job.motion[(voice * 3 + place) * MOTIONS + motion(symbol, own, pitch)];
        int sounds = job.class_of[pitch == REST ? there : there | 1 << pitch % 12];
        int stays = stands && pitch == own;
        if (job.sonority && turn->last && !stays)
            cost[symbol] -= job.sonority[place * CLASSES + sounds];
        if (!lever)
            continue;
        if (symbol >= FIRST_PITCH)
            cost[symbol] -= lever[LEVER_BEGIN]
                + (has(job.outside[turn->candidate], pitch % 12) ? lever[LEVER_FOREIGN] : 0.0);
        /* Consonant: major and minor triads, and at most two pitch classes. */
        if (turn->last && !stays && sounds != 0 && sounds != 1 && sounds != CLASSES - 2)
            cost[symbol] -= lever[LEVER_DISSONANT];
    }
}

/* The costs by rules, ensemble and plan. */
static void add_own(const Turn *turn, double *cost)
{
    add_rules(turn, cost);
    if (job.of_pitch)
        add_ensemble(turn, cost);
    if (job.weights)
        add_plan(turn, cost);
}

/* The voices of a turn's step that are chosen after it, as bits. */
static int waiting_after(const Turn *turn)
{
    int found = 0;
    for (int place = VOICES - 1; job.order[place] != turn->voice; place--)
        found |= 1 << job.order[place];
    return found & ~job.known[turn->step];
}

/* The cost of each symbol alone when a given chord begins: FORBIDDEN is one broken rule. */
static void add_chord(const Turn *turn, double *cost)
{
    const i16 *chord = job.given + turn->step * GIVEN;
    int voice = turn->voice, own = turn->was[voice], waiting = waiting_after(turn);
    int bass = chord[GIVEN_BASS], bass_waits = bass != NONE && has(waiting, BASS);
    int may = bass != NONE && voice == BASS ? 1 << bass : chord[GIVEN_MEMBERS];
    int lacking = chord[GIVEN_NEEDED] & ~classes(turn), later = __builtin_popcount(waiting) - bass_waits;
    if (bass_waits)
        lacking &= ~(1 << bass);
    add_own(turn, cost);
    for (int symbol = 0; symbol < job.symbols[voice]; symbol++) {
        int pitch = pitch_of(symbol, voice, own), sung = pitch == REST ? 0 : 1 << pitch % 12;
        int missing = __builtin_popcount(lacking & ~sung) - later;
        if (!(sung & may))
            cost[symbol] += 2 * FORBIDDEN;
        if (missing > 0)
            cost[symbol] += 4 * FORBIDDEN * missing;
    }
}

/* The cheapest symbols, in order; equal costs keep their order. Returns their number. */
static int cheapest(const double *cost, int symbols, int *found)
{
    int count = 0;
    for (int symbol = 0; symbol < symbols; symbol++) {
        int place = count < TRIED ? count++ : TRIED;
        for (; place && cost[symbol] < cost[found[place - 1]]; place--)
            if (place < TRIED)
                found[place] = found[place - 1];
        if (place < TRIED)
            found[place] = symbol;
    }
    return count;
}

/* The least cost of the voices after a turn, given one of its symbols. */
static double least_after(Turn turn, int symbol)
{
    double cost[MOST_SYMBOLS] = {0}, least = INFINITE;
    int tried[TRIED], waiting = waiting_after(&turn), place = 0;
    turn.now[turn.voice] = pitch_of(symbol, turn.voice, turn.was[turn.voice]);
    while (!has(waiting, job.order[place]))
        place++;
    turn.voice = job.order[place];
    turn.last = !(waiting & (waiting - 1));
    add_chord(&turn, cost);
    int count = cheapest(cost, job.symbols[turn.voice], tried);
    for (int i = 0; i < (turn.last ? 1 : count); i++) {
        double paid = cost[tried[i]] + (turn.last ? 0.0 : least_after(turn, tried[i]));
        least = paid < least ? paid : least;
    }
    return least;
}

/* The costs of symbols when a given chord begins, with the least costs of the later voices after the
 * cheapest symbols; for all other symbols the greatest of these is used. */
static void add_given(const Turn *turn, double *cost)
{
    double own[MOST_SYMBOLS] = {0}, later[MOST_SYMBOLS], worst = 0.0;
    int tried[TRIED], symbols = job.symbols[turn->voice], count = 0;
    add_chord(turn, own);
    if (waiting_after(turn))
        count = cheapest(own, symbols, tried);
    for (int i = 0; i < count; i++) {
        later[i] = least_after(*turn, tried[i]);
        worst = later[i] > worst ? later[i] : worst;
    }
    for (int symbol = 0; symbol < symbols; symbol++) {
        double ahead = worst;
        for (int i = 0; i < count; i++)
            ahead = tried[i] == symbol ? later[i] : ahead;
        cost[symbol] += own[symbol] + ahead;
    }
}

/* Add all other costs to the negative log-likelihoods of a voice's symbols. */
void add_costs(const Turn *turn, double *cost)
{
    int voice = turn->voice, step = turn->step;
    if (job.given && job.given[step * GIVEN + GIVEN_MEMBERS])
        add_given(turn, cost);
    else
        add_own(turn, cost);
    if (step && (job.motion || job.sonority || job.levers))
        add_tilts(turn, cost);
    if (step && has(job.known[step - 1], voice))
        cost[HOLD] = INFINITE; /* a known note is not prolonged */
    if (!job.source)
        return;
    int source = job.source[(turn->candidate * job.steps + step) * VOICES + voice];
    if (source == NONE)
        return;
    int again = job.tokens[(turn->candidate * job.padded + source) * VOICES + voice];
    for (int symbol = 0; cost[again] < INFINITE && symbol < job.symbols[voice]; symbol++)
        cost[symbol] += symbol == again ? 0.0 : OTHERWISE;
}

static float most(const float *scores, int from, int to)
{
    float found = -INFINITE;
    for (int i = from; i < to; i++)
        found = scores[i] > found ? scores[i] : found;
    return found;
}

/* The logarithm of the sum of the exponentials of scores.  shares get the exponentials of the scores
 * less the greatest one, and 0 before the index from. */
static double log_sum(const float *scores, float *shares, int from, int to)
{
    float top = most(scores, from, to);
    double total = 0.0;
    for (int i = 0; i < MOST_SYMBOLS; i++)
        shares[i] = i >= from && i < to ? scores[i] - top : -INFINITE;
    exponentials(shares, (to + 3) & ~3);
    for (int i = from; i < to; i++)
        total += shares[i];
    return top + log_(total);
}

/* Turn logits into negative log-likelihoods in nats. */
void normalize(const float *logits, int symbols, double *nats)
{
    float shares[MOST_SYMBOLS];
    double total = log_sum(logits, shares, 0, symbols);
    for (int i = 0; i < symbols; i++)
        nats[i] = total - logits[i];
}

/* Keep only the largest shares that sum to top_p; set the others to 0. */
static void nucleus(float *share, int symbols, double top_p)
{
    double total = 0.0, passed = 0.0;
    int order[MOST_SYMBOLS];
    for (int i = 0; i < symbols; i++) {
        int k = i;
        for (; k && share[order[k - 1]] < share[i]; k--)
            order[k] = order[k - 1];
        order[k] = i;
        total += share[i];
    }
    for (int i = 0; i < symbols; i++) {
        double own = share[order[i]] / total;
        if (passed >= top_p)
            share[order[i]] = 0;
        passed += own;
    }
}

/* Choose a symbol by the costs, in nats; see choice.py. */
int choose(const double *cost, int symbols, double uniform)
{
    double temperature = job.options[0], rhythm = job.options[1], top_p = job.options[2], passed = 0.0;
    float scores[MOST_SYMBOLS], share[MOST_SYMBOLS];
    int chosen = 0;
    if (temperature == 0.0) {
        for (int i = 1; i < symbols; i++)
            chosen = cost[i] < cost[chosen] ? i : chosen;
        return chosen;
    }
    for (int i = 0; i < symbols; i++)
        scores[i] = -cost[i] / temperature;
    if (rhythm >= 0.0) { /* the rhythm temperature decides whether any new note begins */
        float plain[MOST_SYMBOLS];
        for (int i = 0; i < symbols; i++)
            plain[i] = -cost[i];
        double more = log_sum(plain, share, FIRST_PITCH, symbols) / rhythm
            - log_sum(scores, share, FIRST_PITCH, symbols);
        for (int i = 0; i < symbols; i++)
            scores[i] = i < FIRST_PITCH ? plain[i] / rhythm : scores[i] + more;
    }
    log_sum(scores, share, 0, symbols);
    if (top_p < 1.0)
        nucleus(share, symbols, top_p);
    for (int i = 0; i < symbols; i++)
        passed += share[i];
    double point = uniform * passed;
    passed = 0.0;
    for (; chosen < symbols - 1; chosen++) {
        passed += share[chosen];
        if (passed > point)
            break;
    }
    return chosen;
}
