/* Answers of a name server: the header's flags and counts and all behind the question are the input's; and what
 * comes over TCP, in pieces the input chooses. */
#include "../../../../bin/netd/dns.h"
#include <stdlib.h>
#include <string.h>

static void stream(const uint8_t *data, size_t size)
{
    struct dns_stream stream = { 0 };
    enum dns_stream_result result = DNS_STREAM_MORE;
    size_t announced = (size_t)(data[1] << 8 | data[2]), came = size - 3, at = 1,
           step = data[0] % 9;

    while (at < size && result == DNS_STREAM_MORE) {
        size_t piece = step + 1 < size - at ? step + 1 : size - at;
        result = dns_stream_take(&stream, data + at, piece);
        at += piece;
    }
    if ((result == DNS_STREAM_BAD) != (announced < 12) ||
        (announced >= 12 && (result == DNS_STREAM_WHOLE) != (came >= announced)) ||
        (result == DNS_STREAM_WHOLE && memcmp(stream.message, data + 3, announced) != 0))
        abort();
    dns_stream_free(&stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char name[] = "host.example.test";
    uint8_t question[DNS_QUESTION_MOST];
    struct dns_answer answer;
    uint16_t type = size > 0 && data[0] & 1 ? DNS_AAAA : DNS_A;

    if (size < 9)
        return 0;
    size_t length = dns_ask(question, 7, name, type);
    uint8_t *packet = malloc(length + size - 9); /* of its very size, for ASan */
    memcpy(packet, question, length);
    memcpy(packet + length, data + 9, size - 9);
    packet[2] = 0x80 | (data[1] & 7);
    packet[3] = data[2] & 0xf3;
    packet[7] = data[3];
    packet[9] = data[4];
    enum dns_verdict verdict = dns_judge(packet, length + size - 9, 7, name, type, &answer);
    if (answer.seconds > DNS_KEPT_MOST || verdict == DNS_FOREIGN)
        abort();
    dns_judge(data, size, (uint16_t)(data[0] << 8 | data[1]), name, type, &answer);
    stream(data, size);
    free(packet);
    return 0;
}
