use IO::Socket::INET;

my $partner = IO::Socket::INET->new(PeerAddr => "198.51.100.20", PeerPort => 443);
select undef, undef, undef, 0.5;
