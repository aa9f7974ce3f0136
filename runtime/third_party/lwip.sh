# lwIP for user space: the core (raw API, NO_SYS), IPv4 and IPv6, as liblwip.a with its headers.
#
# Without src/api: netd has no sockets inside. Debian's patches are not in the tarball: they bind
# src/api to the host's headers. CVE-2020-8597 is of PPP, which is not built. The options and the
# port's few functions, which netd supplies, are in lwip/.

mkdir -p "$OUT/include/arch"
cp "$HERE/lwip/cc.h" "$OUT/include/arch/"
cp "$HERE/lwip/lwipopts.h" "$HERE/lwip/lwip_hooks.h" "$OUT/include/"
cp -R "$SRC/src/include/." "$OUT/include/"

# A SYN sent again with a window scale that the first one had not met an assertion: the window has been
# changed since. Such an option comes too late.
late='          if ((flags & TCP_SYN) && !(pcb->flags & TF_WND_SCALE)'
cr=$(printf '\r') # the file has such lines
edit "$SRC/src/core/tcp_in.c" "$late) {$cr" "$late && pcb->rcv_wnd == TCPWND_MIN16(TCP_WND)) {$cr"

# A pure ACK was answered by one when its place lay outside of a window of 0 bytes: two ends of that mind
# answered each other for ever, over the loopback interface within one call. RFC 793 accepts the next place;
# what lies beyond is data of a probe that was not taken, and its sender knows that.
outside='    if (!TCP_SEQ_BETWEEN(seqno, pcb->rcv_nxt, pcb->rcv_nxt + pcb->rcv_wnd - 1)) {'
edit "$SRC/src/core/tcp_in.c" "$outside$cr" "    if (TCP_SEQ_LT(seqno, pcb->rcv_nxt)) {$cr"

# A flood of SYNs filled a listener's queue with connections that nobody completes (bin/netd/bounds.c).
full='    if (pcb->accepts_pending >= pcb->backlog'
edit "$SRC/src/core/tcp_in.c" "$full) {$cr" "$full && !lwip_port_half_open_drop(pcb)) {$cr"

# A client that used its port again within a minute was not let in until TIME_WAIT was over (bin/netd/bounds.c).
again='    for (pcb = tcp_tw_pcbs; pcb != NULL; pcb = pcb->next) {'
edit "$SRC/src/core/tcp_in.c" "$again$cr" "    lwip_port_time_wait(tcphdr, flags, seqno);$cr
$again$cr"

# Every second segment was acknowledged as it came; netd acknowledges those of a batch together (bin/netd/tcp.c).
edit "$SRC/src/core/tcp_in.c" "        tcp_ack(pcb);$cr" "        lwip_port_tcp_ack(pcb);$cr"

# With SACKs to tell an acknowledgement left before the program's ring had what it acknowledges: had netd died then,
# nobody would have had it. It leaves when all callbacks are over, as others do.
sacks='        if (LWIP_TCP_SACK_VALID(pcb, 0)) {'
edit "$SRC/src/core/tcp_in.c" "$sacks$cr" "        if (LWIP_TCP_SACK_VALID(pcb, 0)) tcp_ack_now(pcb);$cr
        if (0) {$cr"

# A DHCP option that reaches over a whole fragment of its message was read behind the next one's end: only one
# fragment was passed over (found by tests/unit/network/fuzz/dhcp.c).
over='    if (offset >= q->len) {'
edit "$SRC/src/core/ipv4/dhcp.c" "$over$cr" "    while (offset >= q->len) {$cr"

TARGET_CFLAGS="$TARGET_CFLAGS -I$OUT/include"

compile "$OUT/lib/liblwip.a" $(cd "$SRC" && ls src/core/*.c src/core/ipv4/*.c src/core/ipv6/*.c | sort) \
    src/netif/ethernet.c

# For the host's fuzzer: the sources as they were built.
mkdir -p "$OUT/src"
cp -R "$SRC/src/core" "$OUT/src/"

cp "$SRC/COPYING" "$OUT/LICENCE"
