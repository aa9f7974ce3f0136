/* Answers of a name server: the header's flags and counts and all behind the question are the input's. */
#include "../../../../bin/netd/dns.h"
#include <stdlib.h>
#include <string.h>

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
    free(packet);
    return 0;
}
