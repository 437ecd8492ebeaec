// Mnemonics: one name per operation of the SDM, in its spelling. Where the SDM reuses a name (MOVSD, CMPSD, MOV to
// control registers, far CALL) a suffix tells them apart; mnemonic_name gives the SDM's spelling.
#pragma once

#include <string_view>

#include "base/types.h"

namespace bantam::isa {

// clang-format off
enum class Mnemonic : u16 {
    Invalid,
    // General purpose (Jcc, Setcc, Cmovcc: Instruction::condition says which)
    Aaa, Aad, Aam, Aas, Adc, Adcx, Add, Adox, And, Andn, Arpl, Bextr, Blsi, Blsmsk, Blsr, Bound, Bsf, Bsr, Bswap,
    Bt, Btc, Btr, Bts, Bzhi, Call, CallFar, Cbw, Cwde, Cdqe, Clac, Clc, Cld, Clflush, Clflushopt, Cli, Clts, Cmc,
    Cmovcc, Cmp, Cmpsb, Cmpsw, Cmpsd, Cmpsq, Cmpxchg, Cmpxchg8b, Cmpxchg16b, Cpuid, Crc32, Cwd, Cdq, Cqo, Daa, Das,
    Dec, Div, Enter, Hlt, Idiv, Imul, In, Inc, Insb, Insw, Insd, Int, Int1, Int3, Into, Invd, Invlpg, Invpcid, Iret,
    Iretd, Iretq, Jcc, Jcxz, Jecxz, Jrcxz, Jmp, JmpFar, Lahf, Lar, Lds, Lea, Leave, Les, Lfence, Lfs, Lgdt, Lgs,
    Lidt, Lldt, Lmsw, Lodsb, Lodsw, Lodsd, Lodsq, Loop, Loope, Loopne, Lsl, Lss, Ltr, Lzcnt, Mfence, Monitor, Mov,
    Movbe, Movsb, Movsw, Movsd, Movsq, Movsx, Movsxd, Movzx, MovCr, MovDr, Mul, Mulx, Mwait, Neg, Nop, Not, Or, Out,
    Outsb, Outsw, Outsd, Pause, Pdep, Pext, Pop, Popa, Popad, Popcnt, Popf, Popfd, Popfq, PopSegment, Prefetch,
    Prefetchw, Push, Pusha, Pushad, Pushf, Pushfd, Pushfq, PushSegment, Rcl, Rcr, Rdfsbase, Rdgsbase, Rdmsr, Rdpid,
    Rdpmc, Rdrand, Rdseed, Rdtsc, Rdtscp, Ret, RetFar, Rol, Ror, Rorx, Rsm, Sahf, Sal, Salc, Sar, Sarx, Sbb, Scasb,
    Scasw, Scasd, Scasq, Setcc, Sfence, Sgdt, Shl, Shld, Shlx, Shr, Shrd, Shrx, Sidt, Sldt, Smsw, Stac, Stc, Std,
    Sti, Stosb, Stosw, Stosd, Stosq, Str, Sub, Swapgs, Syscall, Sysenter, Sysexit, Sysret, Test, Tzcnt, Ud0, Ud1,
    Ud2, Verr, Verw, Wait, Wbinvd, Wrfsbase, Wrgsbase, Wrmsr, Xadd, Xchg, Xgetbv, Xlat, Xor, Xsetbv, MovSegment,
    Movdiri,
    // x87
    F2xm1, Fabs, Fadd, Faddp, Fbld, Fbstp, Fchs, Fnclex, Fcmovb, Fcmovbe, Fcmove, Fcmovnb, Fcmovnbe, Fcmovne,
    Fcmovnu, Fcmovu, Fcom, Fcomi, Fcomip, Fcomp, Fcompp, Fcos, Fdecstp, Fdiv, Fdivp, Fdivr, Fdivrp, Ffree, Ffreep,
    Fiadd, Ficom, Ficomp, Fidiv, Fidivr, Fild, Fimul, Fincstp, Fninit, Fist, Fistp, Fisttp, Fisub, Fisubr, Fld,
    Fld1, Fldcw, Fldenv, Fldl2e, Fldl2t, Fldlg2, Fldln2, Fldpi, Fldz, Fmul, Fmulp, Fnop, Fndisi, Fneni, Fnsetpm,
    Fpatan, Fprem, Fprem1, Fptan, Frndint, Frstor, Fnsave, Fscale, Fsin, Fsincos, Fsqrt, Fst, Fnstcw, Fnstenv,
    Fnstsw, Fstp, Fsub, Fsubp, Fsubr, Fsubrp, Ftst, Fucom, Fucomi, Fucomip, Fucomp, Fucompp, Fxam, Fxch, Fxtract,
    Fyl2x, Fyl2xp1, Fxsave, Fxrstor, Xsave, Xsaveopt, Xsavec, Xrstor,
    // MMX, SSE ... SSE4.2, AES, PCLMULQDQ, SHA
    Addpd, Addps, Addsd, Addss, Addsubpd, Addsubps, Aesdec, Aesdeclast, Aesenc, Aesenclast, Aesimc, Aeskeygenassist,
    Andnpd, Andnps, Andpd, Andps, Blendpd, Blendps, Blendvpd, Blendvps, Cmppd, Cmpps, CmpsdSse, Cmpss, Comisd,
    Comiss, Cvtdq2pd, Cvtdq2ps, Cvtpd2dq, Cvtpd2pi, Cvtpd2ps, Cvtpi2pd, Cvtpi2ps, Cvtps2dq, Cvtps2pd, Cvtps2pi,
    Cvtsd2si, Cvtsd2ss, Cvtsi2sd, Cvtsi2ss, Cvtss2sd, Cvtss2si, Cvttpd2dq, Cvttpd2pi, Cvttps2dq, Cvttps2pi,
    Cvttsd2si, Cvttss2si, Divpd, Divps, Divsd, Divss, Dppd, Dpps, Emms, Extractps, Haddpd, Haddps, Hsubpd, Hsubps,
    Insertps, Lddqu, Ldmxcsr, Maskmovdqu, Maskmovq, Maxpd, Maxps, Maxsd, Maxss, Minpd, Minps, Minsd, Minss, Movapd,
    Movaps, Movd, Movddup, Movdq2q, Movdqa, Movdqu, Movhlps, Movhpd, Movhps, Movlhps, Movlpd, Movlps, Movmskpd,
    Movmskps, Movntdq, Movntdqa, Movnti, Movntpd, Movntps, Movntq, Movq, Movq2dq, MovsdSse, Movshdup, Movsldup,
    Movss, Movupd, Movups, Mpsadbw, Mulpd, Mulps, Mulsd, Mulss, Orpd, Orps, Pabsb, Pabsd, Pabsw, Packssdw, Packsswb,
    Packusdw, Packuswb, Paddb, Paddd, Paddq, Paddsb, Paddsw, Paddusb, Paddusw, Paddw, Palignr, Pand, Pandn, Pavgb,
    Pavgw, Pblendvb, Pblendw, Pclmulqdq, Pcmpeqb, Pcmpeqd, Pcmpeqq, Pcmpeqw, Pcmpestri, Pcmpestrm, Pcmpgtb, Pcmpgtd,
    Pcmpgtq, Pcmpgtw, Pcmpistri, Pcmpistrm, Pextrb, Pextrd, Pextrq, Pextrw, Phaddd, Phaddsw, Phaddw, Phminposuw,
    Phsubd, Phsubsw, Phsubw, Pinsrb, Pinsrd, Pinsrq, Pinsrw, Pmaddubsw, Pmaddwd, Pmaxsb, Pmaxsd, Pmaxsw, Pmaxub,
    Pmaxud, Pmaxuw, Pminsb, Pminsd, Pminsw, Pminub, Pminud, Pminuw, Pmovmskb, Pmovsxbd, Pmovsxbq, Pmovsxbw,
    Pmovsxdq, Pmovsxwd, Pmovsxwq, Pmovzxbd, Pmovzxbq, Pmovzxbw, Pmovzxdq, Pmovzxwd, Pmovzxwq, Pmuldq, Pmulhrsw,
    Pmulhuw, Pmulhw, Pmulld, Pmullw, Pmuludq, Por, Psadbw, Pshufb, Pshufd, Pshufhw, Pshuflw, Pshufw, Psignb, Psignd,
    Psignw, Pslld, Pslldq, Psllq, Psllw, Psrad, Psraw, Psrld, Psrldq, Psrlq, Psrlw, Psubb, Psubd, Psubq, Psubsb,
    Psubsw, Psubusb, Psubusw, Psubw, Ptest, Punpckhbw, Punpckhdq, Punpckhqdq, Punpckhwd, Punpcklbw, Punpckldq,
    Punpcklqdq, Punpcklwd, Pxor, Rcpps, Rcpss, Roundpd, Roundps, Roundsd, Roundss, Rsqrtps, Rsqrtss, Sha1msg1,
    Sha1msg2, Sha1nexte, Sha1rnds4, Sha256msg1, Sha256msg2, Sha256rnds2, Shufpd, Shufps, Sqrtpd, Sqrtps, Sqrtsd,
    Sqrtss, Stmxcsr, Subpd, Subps, Subsd, Subss, Ucomisd, Ucomiss, Unpckhpd, Unpckhps, Unpcklpd, Unpcklps, Xorpd,
    Xorps,
    // AVX, AVX2, FMA, F16C
    Vaddpd, Vaddps, Vaddsd, Vaddss, Vaddsubpd, Vaddsubps, Vaesdec, Vaesdeclast, Vaesenc, Vaesenclast, Vaesimc,
    Vaeskeygenassist, Vandnpd, Vandnps, Vandpd, Vandps, Vblendpd, Vblendps, Vblendvpd, Vblendvps, Vbroadcastf128,
    Vbroadcasti128, Vbroadcastsd, Vbroadcastss, Vcmppd, Vcmpps, Vcmpsd, Vcmpss, Vcomisd, Vcomiss, Vcvtdq2pd,
    Vcvtdq2ps, Vcvtpd2dq, Vcvtpd2ps, Vcvtph2ps, Vcvtps2dq, Vcvtps2pd, Vcvtps2ph, Vcvtsd2si, Vcvtsd2ss, Vcvtsi2sd,
    Vcvtsi2ss, Vcvtss2sd, Vcvtss2si, Vcvttpd2dq, Vcvttps2dq, Vcvttsd2si, Vcvttss2si, Vdivpd, Vdivps, Vdivsd, Vdivss,
    Vdppd, Vdpps, Vextractf128, Vextracti128, Vextractps, Vgatherdpd, Vgatherdps, Vgatherqpd, Vgatherqps, Vhaddpd,
    Vhaddps, Vhsubpd, Vhsubps, Vinsertf128, Vinserti128, Vinsertps, Vlddqu, Vldmxcsr, Vmaskmovdqu, Vmaskmovpd,
    Vmaskmovps, Vmaxpd, Vmaxps, Vmaxsd, Vmaxss, Vminpd, Vminps, Vminsd, Vminss, Vmovapd, Vmovaps, Vmovd, Vmovddup,
    Vmovdqa, Vmovdqu, Vmovhlps, Vmovhpd, Vmovhps, Vmovlhps, Vmovlpd, Vmovlps, Vmovmskpd, Vmovmskps, Vmovntdq,
    Vmovntdqa, Vmovntpd, Vmovntps, Vmovq, Vmovsd, Vmovshdup, Vmovsldup, Vmovss, Vmovupd, Vmovups, Vmpsadbw, Vmulpd,
    Vmulps, Vmulsd, Vmulss, Vorpd, Vorps, Vpabsb, Vpabsd, Vpabsw, Vpackssdw, Vpacksswb, Vpackusdw, Vpackuswb,
    Vpaddb, Vpaddd, Vpaddq, Vpaddsb, Vpaddsw, Vpaddusb, Vpaddusw, Vpaddw, Vpalignr, Vpand, Vpandn, Vpavgb, Vpavgw,
    Vpblendd, Vpblendvb, Vpblendw, Vpbroadcastb, Vpbroadcastd, Vpbroadcastq, Vpbroadcastw, Vpclmulqdq, Vpcmpeqb,
    Vpcmpeqd, Vpcmpeqq, Vpcmpeqw, Vpcmpestri, Vpcmpestrm, Vpcmpgtb, Vpcmpgtd, Vpcmpgtq, Vpcmpgtw, Vpcmpistri,
    Vpcmpistrm, Vperm2f128, Vperm2i128, Vpermd, Vpermilpd, Vpermilps, Vpermpd, Vpermps, Vpermq, Vpextrb, Vpextrd,
    Vpextrq, Vpextrw, Vpgatherdd, Vpgatherdq, Vpgatherqd, Vpgatherqq, Vphaddd, Vphaddsw, Vphaddw, Vphminposuw,
    Vphsubd, Vphsubsw, Vphsubw, Vpinsrb, Vpinsrd, Vpinsrq, Vpinsrw, Vpmaddubsw, Vpmaddwd, Vpmaskmovd, Vpmaskmovq,
    Vpmaxsb, Vpmaxsd, Vpmaxsw, Vpmaxub, Vpmaxud, Vpmaxuw, Vpminsb, Vpminsd, Vpminsw, Vpminub, Vpminud, Vpminuw,
    Vpmovmskb, Vpmovsxbd, Vpmovsxbq, Vpmovsxbw, Vpmovsxdq, Vpmovsxwd, Vpmovsxwq, Vpmovzxbd, Vpmovzxbq, Vpmovzxbw,
    Vpmovzxdq, Vpmovzxwd, Vpmovzxwq, Vpmuldq, Vpmulhrsw, Vpmulhuw, Vpmulhw, Vpmulld, Vpmullw, Vpmuludq, Vpor,
    Vpsadbw, Vpshufb, Vpshufd, Vpshufhw, Vpshuflw, Vpsignb, Vpsignd, Vpsignw, Vpslld, Vpslldq, Vpsllq, Vpsllvd,
    Vpsllvq, Vpsllw, Vpsrad, Vpsravd, Vpsraw, Vpsrld, Vpsrldq, Vpsrlq, Vpsrlvd, Vpsrlvq, Vpsrlw, Vpsubb, Vpsubd,
    Vpsubq, Vpsubsb, Vpsubsw, Vpsubusb, Vpsubusw, Vpsubw, Vptest, Vpunpckhbw, Vpunpckhdq, Vpunpckhqdq, Vpunpckhwd,
    Vpunpcklbw, Vpunpckldq, Vpunpcklqdq, Vpunpcklwd, Vpxor, Vrcpps, Vrcpss, Vroundpd, Vroundps, Vroundsd, Vroundss,
    Vrsqrtps, Vrsqrtss, Vshufpd, Vshufps, Vsqrtpd, Vsqrtps, Vsqrtsd, Vsqrtss, Vstmxcsr, Vsubpd, Vsubps, Vsubsd,
    Vsubss, Vtestpd, Vtestps, Vucomisd, Vucomiss, Vunpckhpd, Vunpckhps, Vunpcklpd, Vunpcklps, Vxorpd, Vxorps,
    Vzeroall, Vzeroupper, Vfmadd132pd, Vfmadd132ps, Vfmadd132sd, Vfmadd132ss, Vfmadd213pd, Vfmadd213ps, Vfmadd213sd,
    Vfmadd213ss, Vfmadd231pd, Vfmadd231ps, Vfmadd231sd, Vfmadd231ss, Vfmsub132pd, Vfmsub132ps, Vfmsub132sd,
    Vfmsub132ss, Vfmsub213pd, Vfmsub213ps, Vfmsub213sd, Vfmsub213ss, Vfmsub231pd, Vfmsub231ps, Vfmsub231sd,
    Vfmsub231ss, Vfnmadd132pd, Vfnmadd132ps, Vfnmadd132sd, Vfnmadd132ss, Vfnmadd213pd, Vfnmadd213ps, Vfnmadd213sd,
    Vfnmadd213ss, Vfnmadd231pd, Vfnmadd231ps, Vfnmadd231sd, Vfnmadd231ss, Vfnmsub132pd, Vfnmsub132ps, Vfnmsub132sd,
    Vfnmsub132ss, Vfnmsub213pd, Vfnmsub213ps, Vfnmsub213sd, Vfnmsub213ss, Vfnmsub231pd, Vfnmsub231ps, Vfnmsub231sd,
    Vfnmsub231ss, Vfmaddsub132pd, Vfmaddsub132ps, Vfmaddsub213pd, Vfmaddsub213ps, Vfmaddsub231pd, Vfmaddsub231ps,
    Vfmsubadd132pd, Vfmsubadd132ps, Vfmsubadd213pd, Vfmsubadd213ps, Vfmsubadd231pd, Vfmsubadd231ps,
    count
};
// clang-format on

/// The SDM's name in lower case, e.g. "addps"; families are "jcc", "setcc", "cmovcc".
std::string_view mnemonic_name(Mnemonic mnemonic);

}  // namespace bantam::isa
