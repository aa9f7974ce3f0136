/* How the network is set up, and what services whose script narrows `net` may do: what init gives
 * netd, checked there against lua/swos/service/network.lua, as lines of words with one space between.
 * Addresses are hexadecimal, in network order.
 *
 *   ipv4 dhcp | off | static ADDRESS BITS GATEWAY        GATEWAY: - for none
 *   ipv6 auto | off | static ADDRESS BITS GATEWAY
 *   dns FAMILY ADDRESS PORT                              in the order they are asked, at most 4
 *   sntp HOST PORT                                       the same
 *   keepalive IDLE INTERVAL PROBES                       seconds, seconds, count
 *   rules BADGE                                          of connections with this badge; what follows
 *   listen PORT                                          belongs to it
 *   connect FAMILY ADDRESS BITS
 *
 * Pure: knows no stack. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETTINGS_SERVERS 4
#define SETTINGS_RULES 512 /* listen and connect lines, of all badges */
#define SETTINGS_HOST 254

/* Badges of connections that init makes: 0 may do everything, this one may set netd up, from
 * SETTINGS_NARROW on what their rules say, from SETTINGS_WIDE on everything: services without rules, each with
 * one of its own. Sockets' badges are larger. */
#define SETTINGS_ADMINISTER 1u
#define SETTINGS_NARROW 16u
#define SETTINGS_WIDE 4096u

enum settings_mode { SETTINGS_OFF, SETTINGS_AUTOMATIC, SETTINGS_STATIC };

struct settings_address {
    uint8_t bytes[16]; /* of IPv4 the first 4 */
    uint8_t family;    /* 4, 6; 0: none */
    uint8_t bits;      /* of a prefix */
    uint16_t port;     /* of a server */
};

struct settings_interface {
    enum settings_mode mode;
    struct settings_address address, gateway;
};

struct settings_rule {
    uint32_t badge;
    uint16_t port;                  /* listen; 0: connect */
    struct settings_address prefix; /* connect */
};

struct settings {
    struct settings_interface ipv4, ipv6;
    struct settings_address dns[SETTINGS_SERVERS];
    struct settings_host {
        uint16_t port;
        char name[SETTINGS_HOST];
    } sntp[SETTINGS_SERVERS];
    uint32_t dns_count, sntp_count;
    uint32_t keep_idle, keep_interval, keep_probes;
    uint32_t rule_count;
    struct settings_rule rules[SETTINGS_RULES];
};

/* What holds when nobody says otherwise: DHCP, router advertisements, nothing narrowed. */
void settings_default(struct settings *out);

/* Reads lines. False: line *out_line (from 1) makes no sense, and *out is not to be used. */
bool settings_parse(const char *text, size_t length, struct settings *out, uint32_t *out_line);

/* What a connection with this badge may. Port 0 of a listener: one that netd chooses, which TCP
 * listeners without a name for it may not have; a UDP socket that may send anywhere needs one. */
bool settings_is_narrow(uint64_t badge); /* it may what its rules say alone */
bool settings_may_look(uint64_t badge);
bool settings_may_listen(const struct settings *settings, uint64_t badge, uint16_t port);
bool settings_may_connect(const struct settings *settings, uint64_t badge, const uint8_t bytes[16],
                          uint32_t family);
bool settings_may_connect_anywhere(const struct settings *settings, uint64_t badge);
