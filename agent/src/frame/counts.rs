//! What became of the packets that gave no frame, and what was odd about those that did.
//!
//! Invariant: every packet gives either one frame or exactly one dropped reason, so packets =
//! frames + the sum of [`FrameCounts::dropped`]. Notes come on top and drop nothing by themselves.

/// One table for the variants, their stable names and which of them drop the packet.
macro_rules! reasons {
    (dropped { $($drop:ident $drop_name:literal,)+ } noted { $($note:ident $note_name:literal,)+ }) => {
        /// Why a packet gave no frame, or what was odd about it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Reason { $($drop,)+ $($note,)+ }

        const DROPPED: usize = [$($drop_name),+].len();
        const NAMES: &[&str; COUNT] = &[$($drop_name,)+ $($note_name,)+];
        const COUNT: usize = DROPPED + [$($note_name),+].len();
    };
}

reasons! {
    dropped {
        Arp "arp",
        BadIpHeader "bad_ip_header",
        BadTcpHeader "bad_tcp_header",
        BadUdpHeader "bad_udp_header",
        Copy "copy",
        FragmentBad "fragment_bad",
        FragmentCut "fragment_cut",
        FragmentHeld "fragment_held",
        Icmp "icmp",
        NonIp "non_ip",
        OtherIpProtocol "other_ip_protocol",
        TooManyLayers "too_many_layers",
        TruncatedIp "truncated_ip",
        TruncatedLink "truncated_link",
        TruncatedTransport "truncated_transport",
        TruncatedTunnel "truncated_tunnel",
        UnknownEthertype "unknown_ethertype",
        UnknownTunnel "unknown_tunnel",
    }
    noted {
        BadIpChecksum "bad_ip_checksum",
        BadIpLength "bad_ip_length",
        BadTcpChecksum "bad_tcp_checksum",
        BadUdpChecksum "bad_udp_checksum",
        BadUdpLength "bad_udp_length",
        CutPacket "cut_packet",
        FragmentConflict "fragment_conflict",
        FragmentOverlap "fragment_overlap",
        FragmentReassembled "fragment_reassembled",
        FragmentTableFull "fragment_table_full",
        FragmentTimeout "fragment_timeout",
        OffloadedChecksum "offloaded_checksum",
        OffloadedIpChecksum "offloaded_ip_checksum",
    }
}

impl Reason {
    /// The bytes are not what the layer before them promised, so the promise was perhaps none.
    pub(super) const fn is_malformed(self) -> bool {
        matches!(
            self,
            Self::BadIpHeader
                | Self::TruncatedIp
                | Self::TruncatedLink
                | Self::TruncatedTunnel
                | Self::UnknownEthertype
                | Self::UnknownTunnel
        )
    }
}

/// How often each reason was met.
#[derive(Clone, Debug, Default)]
pub struct FrameCounts {
    counts: [u64; COUNT],
}

impl FrameCounts {
    /// Every reason with its stable name.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, u64)> {
        NAMES.iter().copied().zip(self.counts)
    }

    /// Why packets gave no frame; each packet without a frame is in exactly one of them.
    pub fn dropped(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.each().take(DROPPED)
    }

    /// What was odd; a packet may be in several or none. The ones named `fragment_…` count IP
    /// datagrams (`_reassembled`, `_table_full`, `_timeout`) or fragments (`_conflict`, `_overlap`).
    pub fn noted(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.each().skip(DROPPED)
    }

    #[inline]
    pub(super) fn add(&mut self, reason: Reason) {
        if let Some(count) = self.counts.get_mut(reason as usize) {
            *count = count.wrapping_add(1);
        }
    }

    /// Counts why there is no frame.
    pub(super) fn drop<T>(&mut self, reason: Reason) -> Option<T> {
        self.add(reason);
        None
    }

    #[cfg(test)]
    pub(super) fn of(&self, reason: Reason) -> u64 {
        self.counts[reason as usize]
    }
}
