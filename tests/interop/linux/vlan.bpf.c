/* A link of the kernel made one of a VLAN, whose tag it puts on and takes off, where the kernel has
 * no interfaces for VLANs: classifiers at the way out and in (vlan.sh). */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define VLAN_ID 0xfff

SEC("tag") int tag_put(struct __sk_buff *skb)
{
	return bpf_skb_vlan_push(skb, bpf_htons(0x8100), VLAN) == 0 ? TC_ACT_OK : TC_ACT_SHOT;
}

SEC("untag") int tag_take(struct __sk_buff *skb)
{
	if (!skb->vlan_present || (skb->vlan_tci & VLAN_ID) != VLAN)
		return TC_ACT_SHOT;
	return bpf_skb_vlan_pop(skb) == 0 ? TC_ACT_OK : TC_ACT_SHOT;
}

char license_text[] SEC("license") = "GPL";
